/** The content templates of an account: written whole, never changed. */
import type { ContentTemplate } from '../domain/content-template.ts';
import { newUuid, uuidTimeMs } from '../domain/ids.ts';
import type { Database } from './database.ts';
import { checkQuota } from './quotas.ts';

interface TemplateRow {
  id: string;
  friendly_name: string | null;
  language: string | null;
  variables: Record<string, string>;
  types: ContentTemplate['types'];
}

const COLUMNS = 'id, friendly_name, language, variables, types';

function toTemplate({
  id,
  friendly_name,
  language,
  variables,
  types,
}: TemplateRow): ContentTemplate {
  const createdAt = new Date(uuidTimeMs(id));
  return { id, friendlyName: friendly_name, language, variables, types, createdAt };
}

/** Stores a template under a new id. @throws QuotaExceeded */
export async function addTemplate(
  database: Database,
  accountId: number,
  template: Omit<ContentTemplate, 'id' | 'createdAt'>,
): Promise<ContentTemplate> {
  const id = newUuid(Date.now());
  const { friendlyName, language, variables, types } = template;
  await database.transact(async (client) => {
    await client.query(
      `insert into content_template (account_id, ${COLUMNS}) values ($1, $2, $3, $4, $5, $6)`,
      [accountId, id, friendlyName, language, JSON.stringify(variables), JSON.stringify(types)],
    );
    await checkQuota(client, accountId, 'content_template');
  });
  return { id, createdAt: new Date(uuidTimeMs(id)), friendlyName, language, variables, types };
}

/** A template of the account, or null. */
export async function fetchTemplate(
  database: Database,
  accountId: number,
  id: string,
): Promise<ContentTemplate | null> {
  const { rows } = await database.query<TemplateRow>(
    `select ${COLUMNS} from content_template where account_id = $1 and id = $2`,
    [accountId, id],
  );
  const [row] = rows;
  return row === undefined ? null : toTemplate(row);
}

/** Templates, newest first, at most `limit`. Ids lie strictly between `after` and `before`. */
export async function listTemplates(
  database: Database,
  accountId: number,
  filter: { readonly after: string; readonly before: string },
  limit: number,
): Promise<ContentTemplate[]> {
  const { rows } = await database.query<TemplateRow>(
    `select ${COLUMNS} from content_template
     where account_id = $1 and id > $2 and id < $3 order by id desc limit $4`,
    [accountId, filter.after, filter.before, limit],
  );
  return rows.map(toTemplate);
}

/** Deletes a template; false if it does not exist. */
export async function removeTemplate(
  database: Database,
  accountId: number,
  id: string,
): Promise<boolean> {
  const { rowCount } = await database.query(
    'delete from content_template where account_id = $1 and id = $2',
    [accountId, id],
  );
  return rowCount === 1;
}

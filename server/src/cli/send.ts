/** `fanfare send`: sends one content, to a few addresses or to a file of millions of rows, as one operation. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ConflictError } from '@fanfare/client';
import type { AddressKind } from '../lists/addresses.ts';
import { connect } from './connect.ts';
import { failUsage, UserError, type Globals } from './globals.ts';
import type { ListFlags } from './list-options.ts';
import { preview } from './preview.ts';
import { readPrices } from './prices.ts';
import { runSending } from './sending.ts';
import { Source } from './source.ts';
import type { StrictFlags } from './strict.ts';
import { parseDuration, parseTime } from './times.ts';
import type { WatchFlags } from './watch.ts';

export interface SendFlags extends WatchFlags, StrictFlags, ListFlags {
  readonly text?: string;
  readonly textFile?: string;
  readonly contentId?: string;
  readonly contentFile?: string;
  readonly subject?: string;
  readonly htmlFile?: string;
  readonly file?: string;
  readonly map: Readonly<Record<string, string>>;
  readonly whatsapp?: true;
  readonly from?: string;
  readonly fromChannel?: 'SMS' | 'RCS' | 'WHATSAPP';
  readonly tag: Readonly<Record<string, string>>;
  readonly schedule?: string;
  readonly expire?: string;
  readonly skipInvalid?: true;
  readonly dedupe?: true;
  readonly key?: string;
  readonly dryRun?: true;
  readonly prices?: string;
  readonly watch?: true;
}

export async function runSend(
  addresses: readonly string[],
  flags: SendFlags,
  globals: Globals,
): Promise<void> {
  if (addresses.length > 0 === (flags.file !== undefined))
    failUsage(
      'Specify the recipients: addresses as arguments, or --file with a CSV or NDJSON file (- for standard input), but not both.',
    );
  if (flags.prices !== undefined && !flags.dryRun)
    failUsage('--prices works only with --dry-run, which estimates the cost.');
  const times = readTimes(flags);
  const request = await buildRequest(flags, times);
  const prices = flags.prices === undefined ? null : await readPrices(flags.prices);
  const client = connect(globals);
  const kind = kindOf(flags);
  const source = new Source(addresses, { ...flags, kind }, !globals.json);
  const checked = await source.check();
  const calls = isEmail(flags) ? client.emails : client.messages;
  const total = checked?.recipients ?? null;
  const key = flags.key ?? (await keyOf(flags, kind, checked?.digest ?? null));
  try {
    if (flags.dryRun) return await preview(calls, request, source, { prices, total }, globals);
    const resume = checked === null ? describeResume(key, flags, times) : null;
    await runSending(calls, request, source, { key, total, resume }, flags, globals);
  } catch (error) {
    throw error instanceof ConflictError ? explainConflict(flags) : source.explain(error);
  } finally {
    source.end();
  }
}

/**
 * The same file, read alike, with the same content, has the same key. Durations count as they are written: the next try is the
 * same send, although its times are later. Without a file the key is random.
 */
async function keyOf(flags: SendFlags, kind: AddressKind, digest: string | null): Promise<string> {
  if (digest === null) return crypto.randomUUID();
  const { schedule = null, expire = null, skipInvalid, dedupe, map } = flags;
  const { format, toColumn, countryCode, encoding, separator } = flags;
  const parts = {
    digest,
    kind,
    request: await buildRequest(flags, { schedule, expire }),
    list: { skipInvalid, dedupe, map, format, toColumn, countryCode, encoding, separator },
  };
  return `file-${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`;
}

/** The same key with another request. */
function explainConflict({ key, schedule, expire }: SendFlags): UserError {
  if (key !== undefined)
    return new UserError(
      `The key "${key}" was used for another file, content or time. Nothing was sent. Use another key, or repeat the first send unchanged.`,
    );
  const durations = [schedule, expire].filter(
    (each) => each !== undefined && parseDuration(each) !== null,
  );
  const why =
    durations.length === 0
      ? ''
      : ` ${durations.join(' and ')} counts from now, so the times differ.`;
  return new UserError(
    `This command has sent this file already. Nothing was sent now.${why} "fanfare operations list" shows the operation. To send the file again, add --key with a word of your own.`,
  );
}

const isEmail = ({ subject }: SendFlags) => subject !== undefined;

function kindOf(flags: SendFlags): AddressKind {
  return isEmail(flags) ? 'EMAIL' : flags.whatsapp ? 'WHATSAPP' : 'PHONE';
}

/** When it is sent and when it expires, as the API takes them. */
interface Times {
  readonly schedule: string | null;
  readonly expire: string | null;
}

function readTimes({ schedule, expire }: SendFlags): Times {
  return {
    schedule: schedule === undefined ? null : readTime(schedule, '--schedule'),
    expire: expire === undefined ? null : readTime(expire, '--expire'),
  };
}

function readTime(text: string, flag: string): string {
  return (
    parseTime(text, Date.now()) ??
    failUsage(
      `${flag} is a time such as 2030-01-31T09:00:00Z, or a duration such as 2h. A time without Z is in each recipient's time zone.`,
    )
  );
}

/** Everything but `to`. */
async function buildRequest(flags: SendFlags, { schedule, expire }: Times): Promise<object> {
  return {
    content: await buildContent(flags),
    ...(flags.from === undefined ? {} : { from: buildFrom(flags, flags.from) }),
    ...(Object.keys(flags.tag).length === 0 ? {} : { tags: flags.tag }),
    ...(schedule === null ? {} : { schedule: { sendAt: [schedule] } }),
    ...(expire === null ? {} : { expireAt: expire }),
  };
}

/** How to try again what can be read once. A duration such as 5d would mean a later time, so the resolved time is given. */
function describeResume(key: string, flags: SendFlags, { schedule, expire }: Times): string {
  const added = [
    `--key ${key}`,
    ...(schedule === null || schedule === flags.schedule ? [] : [`--schedule ${schedule}`]),
    ...(expire === null || expire === flags.expire ? [] : [`--expire ${expire}`]),
  ];
  return `To try again after a failure, add ${added.join(' ')} to the same command. Nothing is sent twice.`;
}

async function buildContent(flags: SendFlags): Promise<object> {
  const { text, textFile, contentId, contentFile, subject, htmlFile } = flags;
  const given = [text, textFile, contentId, contentFile].filter((each) => each !== undefined);
  if (isEmail(flags)) {
    if (contentId !== undefined || contentFile !== undefined)
      failUsage('For an e-mail (--subject), use --html-file, and --text or --text-file.');
    const words = text ?? (textFile === undefined ? undefined : await readText(textFile));
    const html = htmlFile === undefined ? undefined : await readText(htmlFile);
    if (words === undefined && html === undefined)
      failUsage('Specify the content: --html-file, --text or --text-file.');
    return {
      subject,
      html: html ?? `<p style="white-space:pre-line">${escapeHtml(words ?? '')}</p>`,
      ...(words === undefined ? {} : { text: words }),
    };
  }
  if (given.length !== 1 || htmlFile !== undefined)
    failUsage(
      'Specify the content with exactly one of --text, --text-file, --content-id, and --content-file (JSON). For an e-mail, add --subject.',
    );
  if (contentId !== undefined) return { contentId };
  if (contentFile === undefined) return { text: text ?? (await readText(textFile ?? '')) };
  try {
    return JSON.parse(await readText(contentFile)) as object;
  } catch (error) {
    if (error instanceof SyntaxError) failUsage(`${contentFile} is not JSON: ${error.message}.`);
    throw error;
  }
}

const escapeHtml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Text from a file: UTF-8, or UTF-16 by its byte order mark. A wrong byte would go to every recipient as U+FFFD. */
async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: Error) =>
    failUsage(`${path} cannot be read: ${error.message}.`),
  );
  const mark = bytes.toString('hex', 0, 2);
  const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8';
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return text.replace(/\r?\n$/, '');
  } catch {
    return failUsage(`${path} is not ${encoding.toUpperCase()}. Save it as UTF-8.`);
  }
}

function buildFrom(flags: SendFlags, from: string): object {
  if (from.startsWith('comms_senderpool_')) return { senderPoolId: from };
  if (from.startsWith('comms_sender_')) return { senderId: from };
  if (isEmail(flags)) {
    const [, name, address = from] = /^(.*?)\s*<([^<>]+)>$/.exec(from) ?? [];
    return { address, ...(name ? { name } : {}) };
  }
  const channel = flags.fromChannel ?? (flags.whatsapp ? 'WHATSAPP' : 'SMS');
  return { address: from, channel };
}

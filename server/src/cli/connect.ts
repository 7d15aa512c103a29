/**
 * Connects the command line to the API: with credentials of the environment, else with the key that this folder's server
 * has saved.
 */
import { FanfareClient } from '@fanfare/client';
import { findDataDir, localAccessFile, readLocalAccess } from '../config/local-access.ts';
import { EXIT, fail, type Globals } from './globals.ts';

/** @throws UserError if there are no credentials, or the base URL is invalid */
export function connect({ config, baseUrl }: Globals): FanfareClient {
  const { env } = process;
  const dataDir = findDataDir(config ?? null, env);
  const local = readLocalAccess(dataDir);
  const isGiven =
    (env['FANFARE_ACCOUNT_SID'] && env['FANFARE_AUTH_TOKEN']) ||
    (env['FANFARE_API_KEY'] && env['FANFARE_API_KEY_SECRET']) ||
    env['FANFARE_ACCESS_TOKEN'];
  if (!isGiven && local === null)
    fail(
      `There are no credentials. Start a server in this folder ("fanfare start"), or set FANFARE_BASE_URL with FANFARE_ACCOUNT_SID and FANFARE_AUTH_TOKEN, with FANFARE_API_KEY and FANFARE_API_KEY_SECRET, or with FANFARE_ACCESS_TOKEN. (The file ${localAccessFile(dataDir)} does not exist.)`,
      EXIT.credentials,
    );
  // This folder's key is not sent to another server.
  if (!isGiven && baseUrl !== undefined && baseUrl !== local?.baseUrl)
    fail(
      `Set the credentials for ${baseUrl} too: FANFARE_ACCOUNT_SID and FANFARE_AUTH_TOKEN, FANFARE_API_KEY and FANFARE_API_KEY_SECRET, or FANFARE_ACCESS_TOKEN.`,
      EXIT.credentials,
    );
  try {
    return new FanfareClient({
      baseUrl: baseUrl ?? local?.baseUrl,
      ...(isGiven ? {} : { apiKey: local?.apiKey, apiKeySecret: local?.apiKeySecret }),
    });
  } catch (error) {
    fail((error as Error).message, EXIT.usage);
  }
}

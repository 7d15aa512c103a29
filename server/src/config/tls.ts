/** The certificate that the server shows, read from the files that the configuration names. */
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { ConfigError, type Config } from './config.ts';

/** Null: plain HTTP. Rejects with `ConfigError` before anything is listened on. */
export async function readTls({
  certFile,
  keyFile,
}: Config['tls']): Promise<{ readonly cert: string; readonly key: string } | null> {
  if (certFile === null && keyFile === null) return null;
  if (certFile === null || keyFile === null)
    throw new ConfigError('tls.certFile and tls.keyFile belong together; set both or neither.');
  try {
    const pair = { cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
    createSecureContext(pair);
    return pair;
  } catch (error) {
    throw new ConfigError(
      `The certificate ${certFile} with the key ${keyFile} cannot be used: ${(error as Error).message}. Set tls.certFile and tls.keyFile to matching PEM files that this user can read.`,
    );
  }
}

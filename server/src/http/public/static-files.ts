/**
 * Files of a folder of the build, served from memory: there are few, and they are small. Each is read at its first
 * request. A compressed copy beside it (`.br`, `.gz`) is sent to clients that accept it.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  txt: 'text/plain; charset=utf-8',
  woff2: 'font/woff2',
};

interface File {
  readonly type: string;
  readonly etag: string;
  readonly plain: Buffer;
  readonly br: Buffer | null;
  readonly gzip: Buffer | null;
}

export interface StaticFiles {
  /** Answers with a file. Resolves with false, without an answer, if there is none of this name. */
  send(request: FastifyRequest, reply: FastifyReply, name: string): Promise<boolean>;
}

/** A name is a path in the folder, `assets/page.js`: steps of letters, digits, `_`, `-` and `.`, none of them only dots. */
const NAME = /^(?!.*(^|\/)\.)[\w./-]+$/;

/** `headers` go with every file. */
export function openStaticFiles(
  folder: string,
  headers: Readonly<Record<string, string>>,
): StaticFiles {
  const files = new Map<string, Promise<File | null>>();
  const find = async (name: string) => {
    const known = files.get(name);
    if (known !== undefined) return known;
    const read = readFileOf(folder, name);
    const file = await read;
    // Missing names are not remembered: a client may request any number of names.
    if (file !== null) files.set(name, read);
    return file;
  };
  return {
    async send(request, reply, name) {
      const file = await find(name);
      if (file === null) return false;
      reply.headers({ ...headers, etag: file.etag, vary: 'accept-encoding' });
      if (request.headers['if-none-match'] === file.etag) {
        reply.code(304).send();
        return true;
      }
      reply.type(file.type);
      const accepted = String(request.headers['accept-encoding'] ?? '');
      if (file.br !== null && /\bbr\b/.test(accepted))
        reply.header('content-encoding', 'br').send(file.br);
      else if (file.gzip !== null && /\bgzip\b/.test(accepted))
        reply.header('content-encoding', 'gzip').send(file.gzip);
      else reply.send(file.plain);
      return true;
    },
  };
}

async function readFileOf(folder: string, name: string): Promise<File | null> {
  const type = TYPES[name.split('.').at(-1) ?? ''];
  if (type === undefined || !NAME.test(name)) return null;
  const [plain, br, gzip] = await Promise.all(
    [name, `${name}.br`, `${name}.gz`].map((each) =>
      readFile(join(folder, each)).catch(() => null),
    ),
  );
  if (!plain) return null;
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`;
  return { type, etag, plain, br: br ?? null, gzip: gzip ?? null };
}

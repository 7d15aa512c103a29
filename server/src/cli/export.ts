/** `fanfare operations export`: writes the results of an operation to a file, or continues one. */
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import type { FanfareClient, RecipientResult } from '@fanfare/client';
import { RESULTS_HEADER, writeResults } from '../lists/results.ts';
import { failUsage, type Globals } from './globals.ts';
import { note, number, writeData } from './output.ts';
import { CountView } from './progress.ts';

export interface ExportFlags {
  readonly output?: string;
  readonly resume?: true;
  readonly format?: 'ndjson' | 'csv';
  readonly status?: RecipientResult['status'][];
}

/** Results written in one go. */
const WRITTEN_TOGETHER = 1_000;

export async function exportResults(
  calls: FanfareClient['messages'] | FanfareClient['emails'],
  id: string,
  { output, resume, format, status = [] }: ExportFlags,
  { json }: Globals,
): Promise<void> {
  if (resume && output === undefined) failUsage('--resume requires --output.');
  const isCsv = format === undefined ? /\.csv$/i.test(output ?? '') : format === 'csv';
  const file = output === undefined ? null : await openFile(output, resume === true, isCsv);
  const view = new CountView('exported', null);
  const write = (text: string) =>
    file === null ? writeData(text) : file.handle.appendFile(text, 'utf8');
  let count = 0;
  let results: RecipientResult[] = [];
  const flush = async () => {
    const lines = results.map((each) => `${JSON.stringify(each)}\n`);
    await write(isCsv ? writeResults(results) : lines.join(''));
    count += results.length;
    results = [];
    if (file !== null && !json) view.draw(count);
  };
  try {
    if (isCsv && (file === null || file.isEmpty)) await write(RESULTS_HEADER);
    const choice = { statuses: status, pageToken: file?.pageToken };
    for await (const result of calls.exportOperation(id, choice)) {
      results.push(result);
      if (results.length === WRITTEN_TOGETHER) await flush();
    }
    await flush();
  } catch (error) {
    // What came is kept: an export that continues it begins behind the last line.
    await flush();
    if (file !== null) note(`${number(count)} exported so far. Continue with --resume.`);
    throw error;
  } finally {
    await file?.handle.close();
  }
  if (file !== null) note(`${number(count)} ${count === 1 ? 'recipient' : 'recipients'} exported`);
}

interface OpenFile {
  readonly handle: FileHandle;
  readonly isEmpty: boolean;
  /** Of its last whole line. */
  readonly pageToken: string | undefined;
}

/** A new file, or one to continue behind its last whole line. */
async function openFile(path: string, isContinued: boolean, isCsv: boolean): Promise<OpenFile> {
  const handle = await open(path, isContinued ? 'r+' : 'wx').catch((error: unknown) => {
    const { code, message } = error as { code?: string; message: string };
    if (code === 'EEXIST') failUsage(`${path} exists. Continue it with --resume, or name another.`);
    failUsage(`${path} cannot be opened: ${message}`);
  });
  if (!isContinued) return { handle, isEmpty: true, pageToken: undefined };
  const { end, lastLine } = await findLastLine(path, isCsv);
  await handle.truncate(end);
  await handle.close();
  const isHeader = isCsv && lastLine === RESULTS_HEADER.trimEnd();
  const pageToken = lastLine === '' || isHeader ? undefined : readToken(lastLine, isCsv);
  if (pageToken === null) {
    failUsage(`${path} is no export in this format. Use another --format, or another file.`);
  }
  return { handle: await open(path, 'a'), isEmpty: end === 0, pageToken };
}

function readToken(line: string, isCsv: boolean): string | null {
  if (isCsv) return /,([\w-]{23})$/.exec(line)?.[1] ?? null;
  try {
    return (JSON.parse(line) as { pageToken?: string }).pageToken ?? null;
  } catch {
    return null;
  }
}

const QUOTE = 0x22;
const LINE_FEED = 0x0a;

/** The last whole line of a file, and where it ends. Line ends between the quotes of a CSV do not count. */
async function findLastLine(
  path: string,
  isCsv: boolean,
): Promise<{ end: number; lastLine: string }> {
  let [start, end, at, isQuoted] = [0, 0, 0, false];
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>)
    for (const byte of chunk) {
      at += 1;
      if (isCsv && byte === QUOTE) isQuoted = !isQuoted;
      if (byte !== LINE_FEED || isQuoted) continue;
      start = end;
      end = at;
    }
  let lastLine = '';
  if (end > start)
    for await (const part of createReadStream(path, { start, end: end - 1, encoding: 'utf8' }))
      lastLine += part as string;
  return { end, lastLine: lastLine.trimEnd() };
}

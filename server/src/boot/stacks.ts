/**
 * Stack traces of the bundled program name its source files and lines. The source maps are read with the first stack
 * trace: Node.js' own `--enable-source-maps` reads them all at each start.
 */
import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { join, relative } from 'node:path';

/** Maps the frames of files in `folder`; others stay as they are. */
export function mapStacks(folder: string): void {
  const maps = new Map<string, SourceMap | null>();
  const mapOf = (file: string) => {
    const known = maps.get(file);
    if (known !== undefined) return known;
    const map = readMap(`${file}.map`);
    maps.set(file, map);
    return map;
  };

  const describe = (frame: NodeJS.CallSite) => {
    const text = String(frame);
    const [file, line, column] = [
      frame.getFileName(),
      frame.getLineNumber(),
      frame.getColumnNumber(),
    ];
    if (file == null || line === null || column === null || !file.startsWith(folder)) return text;
    const origin = mapOf(file)?.findEntry(line - 1, column - 1);
    if (origin === undefined || !('originalSource' in origin)) return text;
    const source = relative(process.cwd(), join(folder, origin.originalSource));
    return text.replace(
      `${file}:${line}:${column}`,
      `${source}:${origin.originalLine + 1}:${origin.originalColumn + 1}`,
    );
  };

  Error.prepareStackTrace = (error, frames) => {
    // Node.js reads the stack of each socket that breaks. No line of ours has failed there, and reading maps takes long.
    const name = 'syscall' in error ? String : describe;
    return [headOf(error), ...frames.map((frame) => `    at ${name(frame)}`)].join('\n');
  };
}

function headOf(error: unknown): string {
  try {
    return String(error);
  } catch {
    return 'Error';
  }
}

function readMap(file: string): SourceMap | null {
  try {
    return new SourceMap(JSON.parse(readFileSync(file, 'utf8')) as SourceMapPayload);
  } catch {
    return null;
  }
}

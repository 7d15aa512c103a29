/** Reads Markdown as far as its checks need: documents, pictures, inline code, and lines that people read. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const OTHERS = new Set(['node_modules', 'dist', 'build', 'data', '.git']);

/** Files below a folder of the repository, by their paths in it. */
export function listFiles(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(ROOT, folder)).flatMap((name) => {
    const path = join(folder, name);
    if (OTHERS.has(name)) return [];
    if (statSync(join(ROOT, path)).isDirectory()) return listFiles(path, pattern);
    return pattern.test(name) ? [relative(ROOT, join(ROOT, path)).replaceAll('\\', '/')] : [];
  });
}

export const listDocuments = () => listFiles('', /\.md$/);

export const readText = (file: string) => readFileSync(join(ROOT, file), 'utf8');

export interface Line {
  readonly number: number;
  readonly text: string;
}

const FENCE = /^ *```/;

/** Lines outside of code blocks. */
export function proseOf(text: string): Line[] {
  let inCode = false;
  return text.split('\n').flatMap((line, i) => {
    const fence = FENCE.test(line);
    if (fence) inCode = !inCode;
    return fence || inCode ? [] : [{ number: i + 1, text: line }];
  });
}

export const withoutCode = (line: string) => line.replaceAll(/`[^`]*`/g, '``');

/** The contents of inline code. */
export function codeOf(text: string): string[] {
  return proseOf(text).flatMap((line) =>
    [...line.text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code),
  );
}

/** The pictures of a page. */
export function mermaidOf(text: string): string[] {
  return [...text.matchAll(/^```mermaid\n([\s\S]*?)^```$/gm)].map(([, picture = '']) => picture);
}

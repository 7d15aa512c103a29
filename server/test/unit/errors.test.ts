/** The codes of errors: those of the hosted API's dictionary keep their meaning, and ours are none of its. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../src/domain/errors.ts';
import dictionary from '../data/error-dictionary.json' with { type: 'json' };

const entries = Object.entries(ERRORS);
const meanings = new Map(Object.entries(dictionary).map(([code, words]) => [Number(code), words]));
const rows = new Map(
  readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8')
    .split('\n')
    .map((line) => line.split(' | '))
    .filter(([code = '']) => /^\| \d+$/.test(code))
    .map(([code = '', from = '']) => [Number(code.slice(2)), from]),
);

describe('codes of errors', () => {
  it('name one error each', () => {
    expect(new Set(entries.map(([, { code }]) => code)).size).toBe(entries.length);
  });

  it.each(entries)('%s is from the dictionary, or is not in it', (_name, { code, origin }) => {
    expect(meanings.has(code)).toBe(origin === 'dictionary');
  });

  it.each(entries)('%s says in docs/errors.md whose code it is', (_name, { code, origin }) => {
    expect(rows.get(code)).toBe(origin === 'dictionary' ? 'dictionary' : 'Fanfare');
  });

  it('are all in docs/errors.md, and no others', () => {
    expect([...rows.keys()]).toEqual(entries.map(([, { code }]) => code).toSorted((a, b) => a - b));
  });

  it.each([
    ['conflict', 20409, 409, 'Conflict'],
    ['invalid', 20422, 400, 'Invalid Parameter'],
    ['unknownField', 20001, 400, 'Unknown parameters'],
    ['pageSize', 20007, 400, 'Page size too large'],
    ['phoneNumber', 21211, 400, "Invalid 'To' Phone Number"],
    ['from', 21212, 400, "Invalid 'From' Number"],
    ['statusCallback', 21609, 400, "Invalid 'StatusCallback' URL"],
    ['textTooLong', 21617, 400, 'The concatenated message body exceeds the 1600 character limit'],
  ] as const)('%s has the code %i', (name, code, status, meaning) => {
    expect(ERRORS[name]).toMatchObject({ code, status, origin: 'dictionary' });
    expect(meanings.get(code)).toBe(meaning);
  });
});

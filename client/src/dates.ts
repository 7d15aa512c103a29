/** Dates of answers: text on the wire, `Date` in programs. */
import { DATE_FIELDS, FREE_FIELDS } from './api.ts';

/** Turns dates in a parsed answer into `Date`s, in place. */
export function readDates(value: unknown): unknown {
  if (Array.isArray(value)) for (const each of value) readDates(each);
  else if (typeof value === 'object' && value !== null) {
    const fields = value as Record<string, unknown>;
    for (const [name, each] of Object.entries(fields))
      if (typeof each === 'string') {
        if (DATE_FIELDS.has(name)) fields[name] = new Date(each);
      } else if (!FREE_FIELDS.has(name)) readDates(each);
  }
  return value;
}

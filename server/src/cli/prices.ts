/**
 * A table of prices, and the cost of a send by it. A CSV with the columns `prefix` (such as `+1`, `+4915`, or `*` for
 * all other numbers), `price` (for one segment of SMS, for one message of other channels), and optionally `channel` and
 * `currency`. The longest prefix counts.
 */
import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { failUsage } from './globals.ts';

interface Price {
  readonly prefix: string;
  readonly channel: string | null;
  readonly price: number;
}

export interface PriceTable {
  readonly currency: string;
  /** Of one message; null if the table has no price for it. */
  priceOf(address: string, channel: string, segments: number | null): number | null;
}

export async function readPrices(path: string): Promise<PriceTable> {
  const text = await readFile(path, 'utf8').catch((error: Error) =>
    failUsage(`${path} cannot be read: ${error.message}.`),
  );
  let rows: Record<string, string>[];
  try {
    rows = parse(text, { bom: true, columns: true, trim: true, skip_empty_lines: true });
  } catch (error) {
    failUsage(`${path} is not CSV: ${(error as Error).message}.`);
  }
  const prices = rows.map((row, i) => readPrice(row, `${path}, row ${i + 1}`));
  // The first that fits is the longest one, and one for the channel before one for all.
  const sorted = prices.toSorted(
    (a, b) =>
      b.prefix.length - a.prefix.length || Number(a.channel === null) - Number(b.channel === null),
  );
  return {
    currency: rows.find((row) => row['currency'])?.['currency'] ?? '',
    priceOf(address, channel, segments) {
      const found = sorted.find(
        (each) =>
          (each.channel ?? channel) === channel &&
          (each.prefix === '*' || address.startsWith(each.prefix)),
      );
      return found === undefined ? null : found.price * (segments ?? 1);
    },
  };
}

function readPrice(row: Readonly<Record<string, string>>, where: string): Price {
  const { prefix = '', price = '', channel = '' } = row;
  if (!/^(\*|\+\d{1,15})$/.test(prefix))
    failUsage(`${where}: prefix must be + and digits, or *. It is "${prefix}".`);
  if (!/^\d+(\.\d+)?$/.test(price))
    failUsage(`${where}: price must be a number with a point. It is "${price}".`);
  return { prefix, price: Number(price), channel: channel === '' ? null : channel.toUpperCase() };
}

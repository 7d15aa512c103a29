/** `fanfare send --dry-run`: a summary of the send, with the first messages as the recipients would get them. */
import type { DryRun, EmailDryRun, FanfareClient } from '@fanfare/client';
import type { Globals } from './globals.ts';
import { colours, number, print, renderFields, showTime } from './output.ts';
import type { PriceTable } from './prices.ts';
import { CountView } from './progress.ts';

/** The common part of both kinds of sends. */
type AskDry = (request: object) => Promise<DryRun | EmailDryRun>;

/** Recipients asked about at once. */
const CHUNK_SIZE = 10_000;
const SHOWN_MAX = 3;
const TEXT_LENGTH_MAX = 300;

interface Sums {
  recipients: number;
  messages: number;
  readonly byChannel: Map<string, number>;
  segments: number;
  readonly encodings: Map<string, number>;
  readonly problems: Map<string, number>;
  duplicates: number;
  cost: number;
  unpriced: number;
  scheduledFor: Date | null;
  readonly shown: string[];
}

const add = (map: Map<string, number>, key: string, count = 1) =>
  map.set(key, (map.get(key) ?? 0) + count);

/** Dry-runs the send for all recipients, and prints the sums. */
export async function preview(
  calls: FanfareClient['messages'] | FanfareClient['emails'],
  request: { readonly to: AsyncIterable<unknown> },
  { prices, total }: { readonly prices: PriceTable | null; readonly total: number | null },
  globals: Globals,
): Promise<void> {
  const isLong = !globals.json && (total === null || total > CHUNK_SIZE);
  const view = isLong ? new CountView('checked', total) : null;
  const sums: Sums = {
    recipients: 0,
    messages: 0,
    byChannel: new Map(),
    segments: 0,
    encodings: new Map(),
    problems: new Map(),
    duplicates: 0,
    cost: 0,
    unpriced: 0,
    scheduledFor: null,
    shown: [],
  };
  const seen = new Set<string>();
  const { to, ...rest } = request;
  for await (const chunk of inChunks(to, CHUNK_SIZE)) {
    for (const each of chunk) countDuplicate(each, seen, sums);
    const body = { ...rest, to: chunk, dryRun: true };
    addChunk(await (calls.send as AskDry).call(calls, body), prices, sums);
    view?.draw(sums.recipients);
  }
  view?.end(sums.recipients);
  if (globals.json) print(JSON.stringify(toJson(sums, prices)));
  else print(describe(sums, prices));
}

/** Duplicates over all requests, which the server sees one by one. */
function countDuplicate(recipient: unknown, seen: Set<string>, sums: Sums): void {
  const { address } = recipient as { address?: string };
  if (address === undefined) return;
  if (seen.has(address)) sums.duplicates += 1;
  else seen.add(address);
}

function addChunk(dryRun: DryRun | EmailDryRun, prices: PriceTable | null, sums: Sums): void {
  sums.recipients += dryRun.recipients;
  sums.scheduledFor ??= dryRun.scheduledFor;
  for (const { code, message } of dryRun.unaddressable) add(sums.problems, `${code} ${message}`);
  if ('emails' in dryRun) {
    sums.messages += dryRun.emails.length;
    add(sums.byChannel, 'EMAIL', dryRun.emails.length);
    for (const each of dryRun.emails.slice(0, SHOWN_MAX - sums.shown.length)) {
      const { to, subject, text } = each;
      sums.shown.push(`${to.address}: ${subject}\n    ${shorten(text ?? '')}`);
    }
    return;
  }
  sums.segments += dryRun.segments;
  for (const each of dryRun.messages) {
    sums.messages += 1;
    add(sums.byChannel, each.channel);
    if (each.encoding !== null) add(sums.encodings, each.encoding);
    const price = prices?.priceOf(each.to.address, each.channel, each.segments);
    if (price === null) sums.unpriced += 1;
    sums.cost += price ?? 0;
    if (sums.shown.length < SHOWN_MAX)
      sums.shown.push(
        `${each.to.address} by ${each.channel} from ${each.from}:\n    ${shorten(each.text ?? '(rich content)')}`,
      );
  }
}

const shorten = (text: string) => {
  const line = text.replaceAll('\n', ' ⏎ ');
  return line.length > TEXT_LENGTH_MAX ? `${line.slice(0, TEXT_LENGTH_MAX)}…` : line;
};

const list = (counts: ReadonlyMap<string, number>) =>
  [...counts].map(([name, count]) => `${name} ${number(count)}`).join(', ');

function describe(sums: Sums, prices: PriceTable | null): string {
  const unaddressable = [...sums.problems.values()].reduce((sum, each) => sum + each, 0);
  const cost =
    prices === null
      ? []
      : [
          [
            'cost, estimated',
            `${sums.cost.toFixed(2)} ${prices.currency}${sums.unpriced > 0 ? `, without ${number(sums.unpriced)} ${sums.unpriced === 1 ? 'message' : 'messages'} without a price` : ''}`.trim(),
          ] as const,
        ];
  return [
    renderFields([
      ['recipients', number(sums.recipients)],
      ['messages', `${number(sums.messages)} (${list(sums.byChannel) || 'none'})`],
      ...(sums.segments > 0
        ? [['SMS segments', `${number(sums.segments)} (${list(sums.encodings)})`] as const]
        : []),
      ['unaddressable', number(unaddressable)],
      ['duplicates', number(sums.duplicates)],
      ['sent', sums.scheduledFor === null ? 'at once' : showTime(sums.scheduledFor)],
      ...cost,
    ]),
    ...[...sums.problems].map(([problem, count]) => `  ${colours.red(number(count))} × ${problem}`),
    '',
    ...sums.shown.map((each) => `  ${each}`),
    '',
    colours.dim('Nothing was sent. Run the command without --dry-run to send.'),
  ].join('\n');
}

function toJson(sums: Sums, prices: PriceTable | null): object {
  return {
    dryRun: true,
    recipients: sums.recipients,
    messages: sums.messages,
    byChannel: Object.fromEntries(sums.byChannel),
    segments: sums.segments,
    encodings: Object.fromEntries(sums.encodings),
    unaddressable: Object.fromEntries(sums.problems),
    duplicates: sums.duplicates,
    scheduledFor: sums.scheduledFor,
    cost:
      prices === null
        ? null
        : { amount: sums.cost, currency: prices.currency, unpriced: sums.unpriced },
  };
}

async function* inChunks<Entry>(
  entries: AsyncIterable<Entry>,
  size: number,
): AsyncGenerator<Entry[]> {
  let chunk: Entry[] = [];
  for await (const each of entries) {
    chunk.push(each);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

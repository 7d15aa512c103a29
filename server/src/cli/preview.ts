/** `fanfare send --dry-run`: a summary of the send, with the first messages as the recipients would get them. */
import type {
  DryRun,
  DryRunLine,
  DryRunMessage,
  EmailDryRun,
  ErrorItem,
  FanfareClient,
  SendAllRequest,
  SendMessagesRequest,
} from '@fanfare/client';
import { findError } from '../domain/errors.ts';
import type { Globals } from './globals.ts';
import { colours, number, print, renderFields, showTime } from './output.ts';
import type { PriceTable } from './prices.ts';
import { CountView } from './progress.ts';
import { PROBLEMS_SHOWN_MAX, type Source } from './source.ts';

/** Recipients from which on the progress is shown. */
const LONG_MIN = 10_000;
/** Lines between two views of the progress. */
const DRAW_EVERY = 1_000;
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

const add = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);

type Line = DryRunLine<'messages'> | DryRunLine<'emails'>;
type Calls = FanfareClient['messages'] | FanfareClient['emails'];

/** Dry-runs the send for all recipients, and prints the sums. @throws UserError when a recipient is wrong */
export async function preview(
  calls: Calls,
  request: object,
  source: Source,
  { prices, total }: { readonly prices: PriceTable | null; readonly total: number | null },
  globals: Globals,
): Promise<void> {
  const isLong = !globals.json && (total === null || total > LONG_MIN);
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
  const wrong: ErrorItem[] = [];
  let lines = 0;
  for await (const line of dryRun(calls, { ...request, to: source.recipients() })) {
    if ('dryRun' in line) {
      if (wrong.length > 0) throw source.explainProblems(wrong, line.totals?.problems ?? 0);
      addSummary(line, sums);
    } else if (!('code' in line)) addMessage(line, prices, sums);
    else if (findError(line.code)?.status === null)
      add(sums.problems, `${line.code} ${line.message}`);
    else if (wrong.length < PROBLEMS_SHOWN_MAX) wrong.push(line);
    lines += 1;
    if (lines % DRAW_EVERY === 0) view?.draw(lines);
  }
  view?.end(sums.recipients);
  if (globals.json) print(JSON.stringify(toJson(sums, prices)));
  else print(describe(sums, prices));
}

/** The common part of both kinds of sends. */
const dryRun = (calls: Calls, request: object): AsyncIterable<Line> =>
  (calls as FanfareClient['messages']).dryRunAll(request as SendAllRequest<SendMessagesRequest>);

function addSummary(summary: DryRun | EmailDryRun, sums: Sums): void {
  sums.recipients = summary.recipients;
  sums.scheduledFor = summary.scheduledFor;
  sums.duplicates = summary.totals?.duplicates ?? 0;
  if ('segments' in summary) sums.segments = summary.segments;
}

function addMessage(
  message: DryRunMessage | EmailDryRun['emails'][number],
  prices: PriceTable | null,
  sums: Sums,
): void {
  sums.messages += 1;
  const isShown = sums.shown.length < SHOWN_MAX;
  if ('subject' in message) {
    add(sums.byChannel, 'EMAIL');
    const { to, subject, text } = message;
    if (isShown) sums.shown.push(`${to.address}: ${subject}\n    ${shorten(text ?? '')}`);
    return;
  }
  const { to, channel, from, encoding, segments, text } = message;
  add(sums.byChannel, channel);
  if (encoding !== null) add(sums.encodings, encoding);
  const price = prices?.priceOf(to.address, channel, segments);
  if (price === null) sums.unpriced += 1;
  sums.cost += price ?? 0;
  if (isShown)
    sums.shown.push(
      `${to.address} by ${channel} from ${from}:\n    ${shorten(text ?? '(rich content)')}`,
    );
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

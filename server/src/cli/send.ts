/** `fanfare send`: sends one content, to a few addresses or to a file of millions of rows. */
import { readFile } from 'node:fs/promises';
import type {
  Bulk,
  Chunk,
  FanfareClient,
  Operation,
  SendAll,
  SendAllRequest,
  SendMessagesRequest,
} from '@fanfare/client';
import type { AddressKind } from '../lists/addresses.ts';
import { connect } from './connect.ts';
import { failUsage, UserError, type Globals } from './globals.ts';
import type { ListFlags } from './list-options.ts';
import { colours, note, number, print } from './output.ts';
import { preview } from './preview.ts';
import { readPrices } from './prices.ts';
import { CountView } from './progress.ts';
import { Source } from './source.ts';
import { endIncomplete, type StrictFlags } from './strict.ts';
import { parseTime } from './times.ts';
import { ProgressView, type WatchFlags } from './watch.ts';

export interface SendFlags extends WatchFlags, StrictFlags, ListFlags {
  readonly text?: string;
  readonly textFile?: string;
  readonly contentId?: string;
  readonly contentFile?: string;
  readonly subject?: string;
  readonly htmlFile?: string;
  readonly file?: string;
  readonly map: Readonly<Record<string, string>>;
  readonly whatsapp?: true;
  readonly from?: string;
  readonly fromChannel?: 'SMS' | 'RCS' | 'WHATSAPP';
  readonly tag: Readonly<Record<string, string>>;
  readonly schedule?: string;
  readonly expire?: string;
  readonly skipInvalid?: true;
  readonly dedupe?: true;
  readonly key?: string;
  readonly dryRun?: true;
  readonly prices?: string;
  readonly watch?: true;
}

/** Recipients of one request. */
const CHUNK_SIZE = 10_000;
const POLL_MS = 250;

export async function runSend(
  addresses: readonly string[],
  flags: SendFlags,
  globals: Globals,
): Promise<void> {
  if (addresses.length > 0 === (flags.file !== undefined))
    failUsage(
      'Specify the recipients: addresses as arguments, or --file with a CSV or NDJSON file (- for standard input), but not both.',
    );
  if (flags.prices !== undefined && !flags.dryRun)
    failUsage('--prices works only with --dry-run, which estimates the cost.');
  const times = readTimes(flags);
  const request = await buildRequest(flags, times);
  const prices = flags.prices === undefined ? null : await readPrices(flags.prices);
  const client = connect(globals);
  const source = new Source(addresses, { ...flags, kind: kindOf(flags) }, !globals.json);
  const total = await source.check();
  const calls = isEmail(flags) ? client.emails : client.messages;
  try {
    if (flags.dryRun)
      return await preview(
        calls,
        { ...request, to: source.recipients() },
        { prices, total },
        globals,
      );
    const bulk = { ...request, to: source.recipients() };
    await sendAndShow(calls, bulk, { total, times }, flags, globals);
  } catch (error) {
    throw source.explain(error);
  } finally {
    source.tellLeftOut();
  }
}

const isEmail = ({ subject }: SendFlags) => subject !== undefined;

function kindOf(flags: SendFlags): AddressKind {
  return isEmail(flags) ? 'EMAIL' : flags.whatsapp ? 'WHATSAPP' : 'PHONE';
}

/** When it is sent and when it expires, as the API takes them. */
interface Times {
  readonly schedule: string | null;
  readonly expire: string | null;
}

function readTimes({ schedule, expire }: SendFlags): Times {
  return {
    schedule: schedule === undefined ? null : readTime(schedule, '--schedule'),
    expire: expire === undefined ? null : readTime(expire, '--expire'),
  };
}

function readTime(text: string, flag: string): string {
  return (
    parseTime(text, Date.now()) ??
    failUsage(
      `${flag} is a time such as 2030-01-31T09:00:00Z, or a duration such as 2h. A time without Z is in each recipient's time zone.`,
    )
  );
}

/** Everything but `to`. */
async function buildRequest(flags: SendFlags, { schedule, expire }: Times): Promise<object> {
  return {
    content: await buildContent(flags),
    ...(flags.from === undefined ? {} : { from: buildFrom(flags, flags.from) }),
    ...(Object.keys(flags.tag).length === 0 ? {} : { tags: flags.tag }),
    ...(schedule === null ? {} : { schedule: { sendAt: [schedule] } }),
    ...(expire === null ? {} : { expireAt: expire }),
  };
}

/** How to continue. A duration such as 5d would mean a later time, so the resolved time is given. */
function describeResume(key: string, flags: SendFlags, { schedule, expire }: Times): string {
  const added = [
    `--key ${key}`,
    ...(schedule === null || schedule === flags.schedule ? [] : [`--schedule ${schedule}`]),
    ...(expire === null || expire === flags.expire ? [] : [`--expire ${expire}`]),
  ];
  return `To continue after an interruption, add ${added.join(' ')} to the same command. Nothing is sent twice.`;
}

async function buildContent(flags: SendFlags): Promise<object> {
  const { text, textFile, contentId, contentFile, subject, htmlFile } = flags;
  const given = [text, textFile, contentId, contentFile].filter((each) => each !== undefined);
  if (isEmail(flags)) {
    if (contentId !== undefined || contentFile !== undefined)
      failUsage('For an e-mail (--subject), use --html-file, and --text or --text-file.');
    const words = text ?? (textFile === undefined ? undefined : await readText(textFile));
    const html = htmlFile === undefined ? undefined : await readText(htmlFile);
    if (words === undefined && html === undefined)
      failUsage('Specify the content: --html-file, --text or --text-file.');
    return {
      subject,
      html: html ?? `<p style="white-space:pre-line">${escapeHtml(words ?? '')}</p>`,
      ...(words === undefined ? {} : { text: words }),
    };
  }
  if (given.length !== 1 || htmlFile !== undefined)
    failUsage(
      'Specify the content with exactly one of --text, --text-file, --content-id, and --content-file (JSON). For an e-mail, add --subject.',
    );
  if (contentId !== undefined) return { contentId };
  if (contentFile === undefined) return { text: text ?? (await readText(textFile ?? '')) };
  try {
    return JSON.parse(await readText(contentFile)) as object;
  } catch (error) {
    if (error instanceof SyntaxError) failUsage(`${contentFile} is not JSON: ${error.message}.`);
    throw error;
  }
}

const escapeHtml = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Text from a file: UTF-8, or UTF-16 by its byte order mark. A wrong byte would go to every recipient as U+FFFD. */
async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: Error) =>
    failUsage(`${path} cannot be read: ${error.message}.`),
  );
  const mark = bytes.toString('hex', 0, 2);
  const encoding = mark === 'fffe' ? 'utf-16le' : mark === 'feff' ? 'utf-16be' : 'utf-8';
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return text.replace(/\r?\n$/, '');
  } catch {
    return failUsage(`${path} is not ${encoding.toUpperCase()}. Save it as UTF-8.`);
  }
}

function buildFrom(flags: SendFlags, from: string): object {
  if (from.startsWith('comms_senderpool_')) return { senderPoolId: from };
  if (from.startsWith('comms_sender_')) return { senderId: from };
  if (isEmail(flags)) {
    const [, name, address = from] = /^(.*?)\s*<([^<>]+)>$/.exec(from) ?? [];
    return { address, ...(name ? { name } : {}) };
  }
  const channel = flags.fromChannel ?? (flags.whatsapp ? 'WHATSAPP' : 'SMS');
  return { address: from, channel };
}

const countAccepted = (chunks: readonly Chunk[]) =>
  chunks.reduce((sum, each) => sum + each.recipients, 0);

async function sendAndShow(
  calls: FanfareClient['messages'] | FanfareClient['emails'],
  request: object & { readonly to: AsyncIterable<unknown> },
  { total, times }: { readonly total: number | null; readonly times: Times },
  flags: SendFlags,
  { json }: Globals,
): Promise<void> {
  const isWatched = flags.watch === true || flags.strict === true;
  const isBig = total === null || total > CHUNK_SIZE;
  const acceptance = json || isWatched || !isBig ? null : new CountView('accepted', total);
  const sending: SendAll<Operation> = (calls as FanfareClient['messages']).sendAll(
    request as SendAllRequest<SendMessagesRequest>,
    {
      key: flags.key,
      onAccepted: () => acceptance?.draw(countAccepted(sending.chunks)),
    },
  );
  const resume = describeResume(sending.key, flags, times);
  if (isBig && !json) note(colours.dim(resume));
  try {
    const last = isWatched ? await showToTheEnd(sending, total, flags, json === true) : null;
    const chunks = await sending.accepted();
    acceptance?.end(countAccepted(chunks));
    if (json) print(JSON.stringify({ key: sending.key, parts: chunks, stats: last?.stats }));
    else
      for (const { operationId, recipients } of chunks)
        print(
          `${operationId}  ${number(recipients)} ${recipients === 1 ? 'recipient' : 'recipients'}`,
        );
    if (flags.strict && last !== null) endIncomplete([last.stats]);
  } catch (error) {
    const accepted = countAccepted(sending.chunks);
    if (accepted > 0 && !(error instanceof UserError))
      note(
        `${number(accepted)} ${accepted === 1 ? 'recipient was' : 'recipients were'} accepted before the failure. ${resume}`,
      );
    throw error;
  }
}

async function showToTheEnd(
  sending: SendAll<Operation>,
  total: number | null,
  flags: SendFlags,
  isSilent: boolean,
): Promise<Bulk<Operation['stats']> | null> {
  const view = isSilent ? null : new ProgressView();
  let last: Bulk<Operation['stats']> | null = null;
  const options = { until: flags.until, quietMs: flags.quiet, pollMs: POLL_MS };
  try {
    for await (const bulk of sending.watch(options)) {
      if (bulk.chunks.length === 0) continue;
      last = bulk;
      const [first, ...others] = bulk.chunks;
      const unread =
        total === null || bulk.isAccepted ? 0 : Math.max(0, total - countAccepted(bulk.chunks));
      view?.update({
        title:
          others.length === 0 ? (first?.operationId ?? '') : `${bulk.chunks.length} operations`,
        status: bulk.status,
        stats: bulk.stats,
        unread,
      });
    }
  } finally {
    view?.end();
  }
  return last;
}

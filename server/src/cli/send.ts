/** `fanfare send`: one content to anybody, from a handful of arguments to a file of millions of rows. */
import { readFile as readWhole } from 'node:fs/promises';
import {
  InvalidRequestError,
  PartError,
  type FanfareClient,
  type Operation,
  type Part,
  type SendAll,
  type SendAllRequest,
  type SendMessagesRequest,
  type Whole,
} from '@fanfare/client';
import { connect } from './connect.ts';
import { failUsage, UserError, type Globals } from './globals.ts';
import { colours, note, number, print } from './output.ts';
import { preview } from './preview.ts';
import { readPrices } from './prices.ts';
import { CountView } from './progress.ts';
import { readArguments, readFile, type Kind, type Recipient, type Row } from './recipients.ts';
import { endIncomplete, type StrictFlags } from './strict.ts';
import { parseTime } from './times.ts';
import { ProgressView, type WatchFlags } from './watch.ts';

export interface SendFlags extends WatchFlags, StrictFlags {
  readonly text?: string;
  readonly textFile?: string;
  readonly contentId?: string;
  readonly contentFile?: string;
  readonly subject?: string;
  readonly htmlFile?: string;
  readonly file?: string;
  readonly format?: 'csv' | 'ndjson';
  readonly toColumn?: string;
  readonly map: Readonly<Record<string, string>>;
  readonly countryCode?: string;
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

/** Problems that are told one by one. */
const PROBLEMS_SHOWN_MAX = 10;
/** Recipients of one request. */
const PART_SIZE = 10_000;
const POLL_MS = 250;
/** Recipients whose places are remembered: more than are in all requests at work. */
const PLACES_MAX = 50_000;

export async function runSend(
  addresses: readonly string[],
  flags: SendFlags,
  globals: Globals,
): Promise<void> {
  if (addresses.length > 0 === (flags.file !== undefined))
    failUsage(
      'Say to whom: addresses as arguments, or --file with a CSV or NDJSON file (- is standard input). Not both.',
    );
  if (flags.prices !== undefined && !flags.dryRun)
    failUsage('--prices is for --dry-run: what it would cost.');
  const request = await buildRequest(flags);
  const prices = flags.prices === undefined ? null : await readPrices(flags.prices);
  const client = connect(globals);
  const source = new Source(addresses, flags);
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
    await sendAndShow(calls, { ...request, to: source.recipients() }, total, flags, globals);
  } catch (error) {
    throw source.explain(error);
  } finally {
    source.tellSkipped();
  }
}

const isEmail = ({ subject }: SendFlags) => subject !== undefined;

function kindOf(flags: SendFlags): Kind {
  return isEmail(flags) ? 'EMAIL' : flags.whatsapp ? 'WHATSAPP' : 'PHONE';
}

/** Everything but `to`. */
async function buildRequest(flags: SendFlags): Promise<object> {
  const schedule = flags.schedule === undefined ? null : readTime(flags.schedule, '--schedule');
  return {
    content: await buildContent(flags),
    ...(flags.from === undefined ? {} : { from: buildFrom(flags, flags.from) }),
    ...(Object.keys(flags.tag).length === 0 ? {} : { tags: flags.tag }),
    ...(schedule === null ? {} : { schedule: { sendAt: [schedule] } }),
    ...(flags.expire === undefined ? {} : { expireAt: readTime(flags.expire, '--expire') }),
  };
}

function readTime(text: string, flag: string): string {
  return (
    parseTime(text, Date.now()) ??
    failUsage(
      `${flag} is a time such as 2030-01-31T09:00:00Z, without the Z by each recipient's clock, or a while such as 2h.`,
    )
  );
}

async function buildContent(flags: SendFlags): Promise<object> {
  const { text, textFile, contentId, contentFile, subject, htmlFile } = flags;
  const given = [text, textFile, contentId, contentFile].filter((each) => each !== undefined);
  if (isEmail(flags)) {
    if (contentId !== undefined || contentFile !== undefined)
      failUsage('An e-mail (--subject) takes --html-file, and --text or --text-file.');
    const words = text ?? (textFile === undefined ? undefined : await readText(textFile));
    const html = htmlFile === undefined ? undefined : await readText(htmlFile);
    if (words === undefined && html === undefined)
      failUsage('Say what: --html-file, --text or --text-file.');
    return {
      subject,
      html: html ?? `<p style="white-space:pre-line">${escapeHtml(words ?? '')}</p>`,
      ...(words === undefined ? {} : { text: words }),
    };
  }
  if (given.length !== 1 || htmlFile !== undefined)
    failUsage(
      'Say what, in one way: --text, --text-file, --content-id, or --content-file with a content as JSON; with --subject it is an e-mail.',
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

async function readText(path: string): Promise<string> {
  try {
    return (await readWhole(path, 'utf8')).replace(/^\ufeff/, '').replace(/\r?\n$/, '');
  } catch (error) {
    return failUsage(`${path} cannot be read: ${(error as Error).message}.`);
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

/** Recipients of a command, read as they are wanted, and what was wrong with some. */
class Source {
  readonly #addresses: readonly string[];
  readonly #flags: SendFlags;
  /** Where the recipients that were handed on last came from, and how many came before those. */
  #places: string[] = [];
  #before = 0;
  #skipped = 0;
  #duplicates = 0;

  constructor(addresses: readonly string[], flags: SendFlags) {
    this.#addresses = addresses;
    this.#flags = flags;
  }

  /**
   * Reads a file to its end before anything of it is sent, so that a bad row stops all of it. Resolves with the number of recipients;
   * null for standard input, which can be read once.
   */
  async check(): Promise<number | null> {
    if (this.#flags.file === '-') return null;
    const problems: string[] = [];
    let bad = 0;
    let count = 0;
    for await (const { where, problem } of this.#rows())
      if (problem === null) count += 1;
      else {
        bad += 1;
        if (problems.length < PROBLEMS_SHOWN_MAX) problems.push(`${where}: ${problem}`);
      }
    if (bad > 0 && !this.#flags.skipInvalid)
      failUsage(
        `${problems.join('\n')}${bad > problems.length ? `\nAnd ${number(bad - problems.length)} more.` : ''}\nNothing was sent. Put them right, or leave them out with --skip-invalid.`,
      );
    if (count === 0) failUsage('There are no recipients.');
    return count;
  }

  async *recipients(): AsyncGenerator<Recipient> {
    this.#places = [];
    this.#before = 0;
    const seen = new Set<string>();
    for await (const { where, recipient, problem } of this.#rows()) {
      if (problem !== null) {
        if (!this.#flags.skipInvalid)
          failUsage(`${where}: ${problem} What came before it may have been sent.`);
        this.#skipped += 1;
        if (this.#skipped <= PROBLEMS_SHOWN_MAX) note(`Left out: ${where}: ${problem}`);
        continue;
      }
      if (this.#flags.dedupe && recipient.address !== undefined) {
        if (seen.has(recipient.address)) {
          this.#duplicates += 1;
          continue;
        }
        seen.add(recipient.address);
      }
      this.#places.push(where);
      if (this.#places.length > 2 * PLACES_MAX)
        this.#before += this.#places.splice(0, PLACES_MAX).length;
      yield recipient;
    }
  }

  tellSkipped(): void {
    if (this.#skipped > 0) note(`Left out as invalid: ${number(this.#skipped)}.`);
    if (this.#duplicates > 0) note(`Left out as named before: ${number(this.#duplicates)}.`);
  }

  /** A refusal in terms of what was given: `$.to[17]` is a line of a file. */
  explain(error: unknown): unknown {
    const cause = error instanceof PartError ? error.cause : error;
    const first = error instanceof PartError ? error.firstRecipient : 0;
    if (!(cause instanceof InvalidRequestError)) return error;
    const lines = cause.errors.slice(0, PROBLEMS_SHOWN_MAX).map(({ message, context }) => {
      const [, index, rest = ''] = /^\$\.to\[(\d+)\]\.?(.*)$/.exec(context) ?? [];
      const place =
        index === undefined ? context : this.#places[first + Number(index) - this.#before];
      return `${place ?? context}${rest === '' ? '' : `, ${rest}`}: ${message}`;
    });
    const more = cause.errors.length - lines.length;
    return new UserError([...lines, ...(more > 0 ? [`And ${more} more.`] : [])].join('\n'));
  }

  #rows(): AsyncIterable<Row> {
    const { file, format, toColumn, map, countryCode } = this.#flags;
    const options = {
      kind: kindOf(this.#flags),
      column: toColumn ?? null,
      map,
      countryCode: countryCode ?? null,
    };
    return file === undefined
      ? readArguments(this.#addresses, options)
      : readFile(file, format ?? null, options);
  }
}

const countAccepted = (parts: readonly Part[]) =>
  parts.reduce((sum, each) => sum + each.recipients, 0);

async function sendAndShow(
  calls: FanfareClient['messages'] | FanfareClient['emails'],
  request: object & { readonly to: AsyncIterable<unknown> },
  total: number | null,
  flags: SendFlags,
  { json }: Globals,
): Promise<void> {
  const isWatched = flags.watch === true || flags.strict === true;
  const isBig = total === null || total > PART_SIZE;
  const acceptance = json || isWatched || !isBig ? null : new CountView('accepted', total);
  const sending: SendAll<Operation> = (calls as FanfareClient['messages']).sendAll(
    request as SendAllRequest<SendMessagesRequest>,
    {
      key: flags.key,
      onAccepted: () => acceptance?.draw(countAccepted(sending.parts)),
    },
  );
  const resume = `After an interruption, the same command with --key ${sending.key} goes on, and sends nothing twice.`;
  if (isBig && !json) note(colours.dim(resume));
  try {
    const last = isWatched ? await showToTheEnd(sending, total, flags, json === true) : null;
    const parts = await sending.accepted();
    acceptance?.end(countAccepted(parts));
    if (json) print(JSON.stringify({ key: sending.key, parts, stats: last?.stats }));
    else
      for (const { operationId, recipients } of parts)
        print(`${operationId}  ${number(recipients)} recipients`);
    if (flags.strict && last !== null) endIncomplete([last.stats]);
  } catch (error) {
    const accepted = countAccepted(sending.parts);
    if (accepted > 0 && !(error instanceof UserError))
      note(`${number(accepted)} recipients were accepted before it failed. ${resume}`);
    throw error;
  }
}

async function showToTheEnd(
  sending: SendAll<Operation>,
  total: number | null,
  flags: SendFlags,
  isSilent: boolean,
): Promise<Whole<Operation['stats']> | null> {
  const view = isSilent ? null : new ProgressView();
  let last: Whole<Operation['stats']> | null = null;
  const options = { until: flags.until, quietMs: flags.quiet, pollMs: POLL_MS };
  try {
    for await (const whole of sending.watch(options)) {
      if (whole.parts.length === 0) continue;
      last = whole;
      const [first, ...others] = whole.parts;
      const unread =
        total === null || whole.isAccepted ? 0 : Math.max(0, total - countAccepted(whole.parts));
      view?.update({
        title:
          others.length === 0 ? (first?.operationId ?? '') : `${whole.parts.length} operations`,
        status: whole.status,
        stats: whole.stats,
        unread,
      });
    }
  } finally {
    view?.end();
  }
  return last;
}

/**
 * The dry run of a streamed request: a summary, and on request a line for each recipient before it. It keeps the first
 * recipients in full, and counts the others.
 */
import type { Problem } from '../domain/errors.ts';
import type { Work } from '../lib/fair-share.ts';
import { FirstSeen } from '../lib/first-seen.ts';
import { infoUrlOf } from '../shapes/refusal.ts';
import type { CheckedHead } from './chunk-writer.ts';
import { describeUnaddressable, previewMessage, type DryRunMessage } from './dry-run.ts';
import type { Duplicate } from './duplicates.ts';
import { previewEmail, WHOLE_MAX, type DryRunEmail } from './email-dry-run.ts';
import { readSuppressions } from './group-reads.ts';
import { lineOf, PLACES_IN_LINES } from './places.ts';
import { withoutSuppressed } from './prepare.ts';
import { PROBLEMS_MAX } from './problems.ts';
import type { RecipientSink } from './recipient-sink.ts';
import type { PreparedRecipient } from './recipients.ts';
import type { SendAnswer } from './send.ts';
import type { SubmitterOptions } from './submit.ts';

/** How a dry run is answered. */
interface AnswerForm {
  readonly origin: string;
  /** Whether each recipient has a line. */
  readonly wantsLines: boolean;
}

/** Messages shown in a summary. */
const SHOWN_MAX = 10;
/** Senders shown in a summary. */
const SENDERS_MAX = 100;

/** What one sender would have to do. */
interface SenderLoad {
  readonly channel: string;
  readonly from: string;
  messages: number;
  segments: number;
}

export class StreamedDryRun implements RecipientSink {
  readonly #head: CheckedHead;
  readonly #options: SubmitterOptions;
  readonly #form: AnswerForm;
  readonly #isEmail: boolean;
  readonly #seen = new FirstSeen();
  /** Lines of the answer, in the order of the request. */
  #output: { readonly place: number; readonly line: string }[] = [];
  #recipients = 0;
  #segments = 0;
  #problems = 0;
  /** The time of sending, if all have the same. */
  #scheduledFor: Date | null | undefined = undefined;
  readonly #shown: (DryRunMessage | DryRunEmail)[] = [];
  readonly #unaddressable: Problem[] = [];
  readonly #duplicates: Duplicate[] = [];
  readonly #totals = { messages: 0, unaddressable: 0, duplicates: 0 };
  readonly #byChannel = new Map<string, number>();
  readonly #encodings = new Map<string, number>();
  readonly #codes = new Map<string, number>();
  readonly #senders = new Map<string, SenderLoad>();

  constructor(head: CheckedHead, options: SubmitterOptions, form: AnswerForm) {
    this.#head = head;
    this.#options = options;
    this.#form = form;
    this.#isEmail = 'email' in head.facts.content;
  }

  async add(recipients: readonly PreparedRecipient[]): Promise<void> {
    const { accountId, choice, facts } = this.#head;
    const { store, shares } = this.#options;
    const addressed = recipients.map((each) => each.recipient);
    const suppressions = await shares.within(accountId, async () => {
      const listed = await store.suppressions.findListed([accountId]);
      return readSuppressions(store, accountId, choice, addressed, listed);
    });
    const left = withoutSuppressed(recipients, facts.plan, suppressions);
    await shares.run(accountId, this.#preview(left));
  }

  report(problems: readonly Problem[]): boolean {
    if (!this.#form.wantsLines) return false;
    this.#problems += problems.length;
    for (const each of problems)
      this.#print(Number(/\d+/.exec(each.context ?? '')?.[0]), this.#linked(each));
    return true;
  }

  takeOutput(): Uint8Array<ArrayBuffer> | null {
    if (this.#output.length === 0) return null;
    const lines = this.#output.toSorted((a, b) => a.place - b.place);
    this.#output = [];
    return new Uint8Array(Buffer.from(lines.map(({ line }) => line).join('')));
  }

  async finish(recipients: readonly PreparedRecipient[]): Promise<SendAnswer> {
    await this.add(recipients);
    const { wantsLines } = this.#form;
    const shown = wantsLines ? [] : this.#shown;
    const summary = {
      dryRun: true,
      recipients: this.#recipients,
      ...(this.#isEmail ? { emails: shown } : { segments: this.#segments, messages: shown }),
      scheduledFor: this.#scheduledFor ?? null,
      unaddressable: wantsLines ? [] : this.#unaddressable,
      duplicates: this.#duplicates,
      totals: {
        ...this.#totals,
        ...(wantsLines ? { problems: this.#problems } : {}),
        byChannel: Object.fromEntries(this.#byChannel),
        encodings: Object.fromEntries(this.#encodings),
        codes: Object.fromEntries(this.#codes),
        senders: [...this.#senders.values()]
          .toSorted((a, b) => b.messages - a.messages)
          .slice(0, SENDERS_MAX),
      },
    };
    const json = JSON.stringify(summary);
    return { kind: 'dry-run', json: Buffer.from(wantsLines ? `${json}\n` : json) };
  }

  async abandon(): Promise<void> {
    this.#output = [];
  }

  *#preview(recipients: readonly PreparedRecipient[]): Work<void> {
    for (const each of recipients) {
      yield;
      this.#count(each);
      const line = each.first === null ? null : this.#describe(each);
      if (line === null) this.#addUnaddressable(each);
      else this.#addMessage(each.ordinal, line);
    }
  }

  #describe(each: PreparedRecipient): DryRunMessage | DryRunEmail | null {
    const { facts } = this.#head;
    return this.#isEmail
      ? previewEmail(each, facts, PLACES_IN_LINES, this.#shown.length < WHOLE_MAX)
      : previewMessage(each, facts, PLACES_IN_LINES);
  }

  #count({ ordinal, recipient, first, dueAt }: PreparedRecipient): void {
    this.#recipients += 1;
    if (first !== null)
      this.#scheduledFor =
        this.#scheduledFor === undefined || this.#scheduledFor?.getTime() === dueAt?.getTime()
          ? dueAt
          : null;
    for (const address of new Set(recipient.addresses.map((each) => each.address))) {
      const earlier = this.#seen.add(address, ordinal);
      if (earlier === undefined) continue;
      this.#totals.duplicates += 1;
      if (this.#duplicates.length < PROBLEMS_MAX)
        this.#duplicates.push({
          address,
          contexts: [PLACES_IN_LINES.path(earlier), PLACES_IN_LINES.path(ordinal)],
        });
    }
  }

  #addMessage(ordinal: number, message: DryRunMessage | DryRunEmail): void {
    this.#totals.messages += 1;
    const [channel, from] =
      'channel' in message ? [message.channel, message.from] : ['EMAIL', message.from.address];
    increase(this.#byChannel, channel);
    this.#addLoad(channel, from, 'segments' in message ? message.segments : null);
    if ('segments' in message) {
      this.#segments += message.segments ?? 0;
      if (message.encoding !== null) increase(this.#encodings, message.encoding);
    }
    if (this.#shown.length < SHOWN_MAX) this.#shown.push(message);
    if (this.#form.wantsLines) this.#print(lineOf(ordinal), message);
  }

  #addLoad(channel: string, from: string, segments: number | null): void {
    const key = `${channel} ${from}`;
    const load = this.#senders.get(key) ?? { channel, from, messages: 0, segments: 0 };
    load.messages += 1;
    load.segments += segments ?? 1;
    this.#senders.set(key, load);
  }

  #addUnaddressable(each: PreparedRecipient): void {
    this.#totals.unaddressable += 1;
    const problem = this.#linked(describeUnaddressable(each, this.#head.facts, PLACES_IN_LINES));
    increase(this.#codes, String(problem.code));
    if (this.#unaddressable.length < PROBLEMS_MAX) this.#unaddressable.push(problem);
    if (this.#form.wantsLines) this.#print(lineOf(each.ordinal), problem);
  }

  #linked = (problem: Problem) => ({
    ...problem,
    infoUrl: infoUrlOf(problem.code, this.#form.origin),
  });

  #print(place: number, line: object): void {
    this.#output.push({ place, line: `${JSON.stringify(line)}\n` });
  }
}

const increase = (counts: Map<string, number>, key: string) =>
  counts.set(key, (counts.get(key) ?? 0) + 1);

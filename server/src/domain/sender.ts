/** Senders: the identities of messages, and the choice of senders for a request. Pure. */
import { ERRORS } from './errors.ts';
import {
  canonicalEmailAddress,
  findEmailSenderProblem,
  normaliseEmailAddress,
  wildcardOf,
} from './email-address.ts';
import { findLineProblem } from './email-headers.ts';
import type { AskedChannel, Channel } from './message.ts';
import type { PlannedSender, SendPlan } from './operation.ts';
import type { SenderLimits } from './rate-limit.ts';
import { measureSms } from './segments.ts';
import type { ChannelControls, RequestedSender } from './send-request.ts';

export const SENDER_STATUSES = ['ACTIVATED', 'DEACTIVATED'] as const;
export type SenderStatus = (typeof SENDER_STATUSES)[number];

export interface Sender extends SenderLimits {
  /** UUID; `comms_sender_…` at the edge. */
  readonly id: string;
  readonly channel: Channel;
  readonly address: string;
  /** Name of the carrier that submits for it. */
  readonly carrier: string;
  readonly displayName: string | null;
  readonly status: SenderStatus;
  /** Used when a request names no sender; without one, the oldest of a channel is. */
  readonly isDefault: boolean;
  readonly tags: Readonly<Record<string, string>>;
  /** Whether it comes from the configuration and can be changed there only. */
  readonly configured: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** The part of a sender that a plan needs: a pool may have 10,000 senders. */
export type PlannableSender = Pick<
  Sender,
  'id' | 'channel' | 'address' | 'carrier' | 'status' | 'throughput' | 'dailyCap' | 'quietHours'
>;

/** The senders that a request may use. */
export interface SenderChoice {
  /** The named one, the pool's members, or the default ones; defaults first, then the oldest. */
  readonly senders: readonly PlannableSender[];
  /** UUID of the named pool; null without a pool. */
  readonly poolId: string | null;
  /** Carriers on which the named address is another account's. */
  readonly takenOn?: readonly string[];
}

/** Channels in the order in which they are tried when a request does not say: rich before plain. */
const PREFERENCE: readonly Channel[] = ['RCS', 'SMS', 'WHATSAPP'];

/** The same with EMAIL, which is never a fallback of messages. */
export const ALL_CHANNELS_PREFERRED: readonly Channel[] = [...PREFERENCE, 'EMAIL'];

/** A provider's messaging service that chooses the number. It has no address. */
const SERVICE_SID = /^MG[0-9a-f]{32}$/i;
/** Characters of an alphanumeric sender (3GPP TS 23.040, 9.1.2.5). */
const NAME_LENGTH_MAX = 11;

/** The problem of a sender's address as a sentence, or null. */
export function findSenderAddressProblem(channel: Channel, address: string): string | null {
  const wrong = findLineProblem(address);
  if (wrong !== null) return wrong;
  if (channel === 'EMAIL') return findEmailSenderProblem(address);
  if (channel === 'SMS') return findSmsSenderProblem(address);
  // Two spellings of one of these are not to have two owners.
  if (channel === 'WHATSAPP' && !NUMBER.test(address))
    return `A WhatsApp sender is a number, or the provider's id of one, in digits; "${address}" is not.`;
  return channel === 'RCS' && !/^[\x21-\x7e]+$/.test(address)
    ? `An RCS sender is the id of an agent, in ASCII and without blanks; "${address}" is not.`
    : null;
}

/** A number, or a name of septets: a character of the extension table counts as two (3GPP TS 23.038, 6.2.1). */
function findSmsSenderProblem(address: string): string | null {
  if (/^\+?\d+$/.test(address) || SERVICE_SID.test(address)) return null;
  const { encoding, units } = measureSms(address);
  if (encoding !== 'GSM-7' || /[\n\r\f]/.test(address))
    return `An SMS sender is a number, or a name in the GSM alphabet; "${address}" has other characters.`;
  return units > NAME_LENGTH_MAX
    ? `An SMS sender that is a name has at most ${NAME_LENGTH_MAX} characters of the GSM alphabet, not ${units}.`
    : null;
}

/** The normal spelling of a sender's address. */
export function normaliseSenderAddress(channel: Channel, address: string): string {
  return channel === 'EMAIL' ? canonicalEmailAddress(address) : address;
}

/** Digits with common separators. */
const NUMBER = /^[-+(). ]*[0-9][-+(). 0-9]*$/;
/** Letters with two cases, of ASCII and of the GSM alphabet. */
const CAPITALS = /[A-ZÅÄÆÇÉÑÖØÜ]/g;

/**
 * The common key of all spellings of an address: two addresses with the same key are the same to people. PostgreSQL has
 * the same rule for senders, `sender_key`, since it decides who owns an address; their domains are ASCII already.
 */
export function senderKey(channel: Channel, address: string): string {
  if (channel === 'EMAIL') return normaliseEmailAddress(address);
  return NUMBER.test(address)
    ? withoutPrefix(address.replaceAll(/[^0-9]/g, ''))
    : address.replaceAll(/^ +| +$/g, '').replaceAll(CAPITALS, (each) => each.toLowerCase());
}

/** Digits without a dialling prefix before the country code: 00, or 011 (ITU-T E.164; no country code begins with 0). */
function withoutPrefix(digits: string): string {
  return digits.replace(/^(011|0+)/, '') || digits;
}

export type PlanResult =
  | { readonly ok: true; readonly plan: SendPlan }
  | { readonly ok: false; readonly code: number; readonly message: string; readonly path: string };

/**
 * The senders a request may use, in order. With an address or an id: that one. With a pool: its active members, by
 * the priority of their channels. Without: the default sender of each channel.
 */
export function planSenders(from: RequestedSender | null, choice: SenderChoice): PlanResult {
  if (from === null) return planDefaults(choice);
  if ('senderPoolId' in from) return planPool(from.channels, choice);
  if ('senderId' in from) {
    const [sender] = choice.senders;
    if (sender === undefined)
      return refuse('There is no such sender; GET /v1/Senders lists yours.', '$.from.senderId');
    if (sender.channel === 'EMAIL')
      return refuse('The sender sends e-mails only: POST /v1/Emails.', '$.from.senderId');
    return sender.status === 'ACTIVATED'
      ? accept([toPlanned(sender)])
      : refuse('The sender is deactivated; activate it or use another.', '$.from.senderId');
  }
  return from.channel === 'EMAIL' ? planEmail(from, choice) : planAddress(from, choice);
}

/** E-mails are sent from addresses that are senders, or of domains that are: no account may send as another. */
function planEmail(
  { address, name }: { readonly address: string; readonly name?: string },
  { senders: [sender] }: SenderChoice,
): PlanResult {
  if (sender === undefined)
    return refuse(
      `There is no EMAIL sender ${address}; add one, or one for all of its domain: ${wildcardOf(address)}.`,
      '$.from.address',
    );
  return sender.status === 'ACTIVATED'
    ? accept([{ ...toPlanned(sender), address, ...(name === undefined ? {} : { name }) }])
    : refuse('The sender is deactivated; activate it or use another.', '$.from.address');
}

function planDefaults({ senders }: SenderChoice): PlanResult {
  const found = PREFERENCE.flatMap(
    (channel) => senders.find((each) => each.channel === channel) ?? [],
  );
  return found.length > 0
    ? accept(found.map(toPlanned))
    : refuse('There is no active sender; add one, or name one in "from".', '$.from');
}

/** An address that is no sender goes over the carrier of its channel's default sender, unless it is another account's there. */
function planAddress(
  from: { readonly address: string; readonly channel: Channel },
  { senders, takenOn = [] }: SenderChoice,
): PlanResult {
  const ofChannel = senders.filter((each) => each.channel === from.channel);
  const key = senderKey(from.channel, from.address);
  const known = ofChannel.find((each) => senderKey(each.channel, each.address) === key);
  if (known?.status === 'DEACTIVATED')
    return refuse('The sender is deactivated; activate it or use another.', '$.from.address');
  // As it is written here: a name may have another case in each message.
  if (known !== undefined) return accept([{ ...toPlanned(known), address: from.address }]);
  const wrong = findSenderAddressProblem(from.channel, from.address);
  if (wrong !== null)
    return { ok: false, code: ERRORS.from.code, message: wrong, path: '$.from.address' };
  const other = ofChannel.find((each) => each.status === 'ACTIVATED');
  if (other === undefined)
    return refuse(
      `There is no active sender of ${from.channel}, so no carrier for it.`,
      '$.from.channel',
    );
  return takenOn.includes(other.carrier)
    ? refuse(
        `The address has another owner on the carrier "${other.carrier}"; send from one of yours.`,
        '$.from.address',
      )
    : accept([{ channel: from.channel, address: from.address, carrier: other.carrier }]);
}

/** By the candidates and the order of channels: a plan for ten thousand senders is made once. */
const poolPlans = new WeakMap<SenderChoice, Map<string, PlanResult>>();

function planPool(controls: ChannelControls | undefined, choice: SenderChoice): PlanResult {
  if (choice.poolId === null)
    return refuse(
      'There is no such sender pool; GET /v1/SenderPools lists yours.',
      '$.from.senderPoolId',
    );
  const order = orderChannels(controls);
  const plans = poolPlans.get(choice) ?? new Map<string, PlanResult>();
  poolPlans.set(choice, plans);
  const known = plans.get(order.join());
  if (known !== undefined) return known;
  const plan = planMembers(order, controls, choice, choice.poolId);
  if (plan.ok) plans.set(order.join(), plan);
  return plan;
}

function planMembers(
  order: readonly Channel[],
  controls: ChannelControls | undefined,
  choice: SenderChoice,
  poolId: string,
): PlanResult {
  const members = order.flatMap((channel) =>
    choice.senders.filter((each) => each.channel === channel && each.status === 'ACTIVATED'),
  );
  return members.length > 0
    ? accept(members.map((each) => ({ ...toPlanned(each), senderPoolId: poolId })))
    : refuse(
        controls?.filterIn === undefined
          ? 'The sender pool has no active sender.'
          : 'The sender pool has no active sender of the channels in filterIn.',
        controls?.filterIn === undefined ? '$.from.senderPoolId' : '$.from.channels.filterIn',
      );
}

/**
 * Channels to use, in order: channels with a priority come first, the lower number before the higher; the others follow,
 * rich before plain.
 */
export function orderChannels(
  controls: ChannelControls | undefined,
  channels: readonly Channel[] = PREFERENCE,
): Channel[] {
  const priorities = new Map<AskedChannel, number>(
    controls?.priority?.map((each) => [each.channel, each.priority]),
  );
  const rank = (channel: Channel) => priorities.get(channel) ?? Number.POSITIVE_INFINITY;
  return channels
    .filter((channel) => controls?.filterIn?.includes(channel) ?? true)
    .toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
}

/** A sender as a plan holds it. */
export function toPlanned({
  id,
  channel,
  address,
  carrier,
  throughput,
}: PlannableSender): PlannedSender {
  const planned = { senderId: id, channel, address, carrier };
  return throughput === null ? planned : { ...planned, throughput };
}

function accept(senders: readonly PlannedSender[]): PlanResult {
  return { ok: true, plan: { senders } };
}

function refuse(message: string, path: string): PlanResult {
  return { ok: false, code: ERRORS.sender.code, message, path };
}

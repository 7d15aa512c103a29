/**
 * Renders rows of the log as CloudEvents 1.0 in JSON, with the payloads of the hosted API's event
 * streams. Pure. It is most of the cost of delivering a million messages, so the common part of a
 * row's events is made into text once.
 */
import { EVENT_KINDS, TEST_TYPE, type EventRow } from '../domain/event.ts';
import { attemptSid, encodeTypeId, messageUuid, ORDINAL_MAX, uuidOfHex } from '../domain/ids.ts';
import { STAT_NAMES } from '../domain/operation.ts';
import { listCandidates, type Candidate } from '../domain/routing.ts';
import type { EventFacts, MessageFacts, OperationFacts } from '../store/store.ts';
import type { EncodedEvent } from './sink.ts';

/** Whose events they are, and which of them are wanted. */
export interface RenderOptions {
  readonly accountSid: string;
  /** Pairs that the tags of a message, or of an operation, must all have. */
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Events of a row, of which the first stands at position `first` of the row in the log. Fewer if some are not wanted, or
 * if their subject is older than the retention.
 */
export function renderEvents(
  row: EventRow,
  facts: EventFacts,
  options: RenderOptions,
  first = 0,
): EncodedEvent[] {
  if (row.name === 'message.inbound') return renderInbound(row, facts, options);
  const operation = facts.operations.get(row.subjectId);
  if (operation === undefined) return [];
  if (row.ordinals === null) return renderOperation(row, operation, options);
  return renderMessages(row, operation, facts, options, first);
}

/** The CloudEvents id of an event of a row, by its position: `EZ` and 32 hex digits, growing in the order of the log. */
export function eventSid(rowId: string, position: number): string {
  return `EZ${messageUuid(rowId, position).replaceAll('-', '')}`;
}

/** Before the row of the log that an event of `eventSid` is in, and behind the row before it. */
export function placeBeforeRow(sid: string): string {
  // The first half of an id grows with each row; the second half counts the events of the row.
  return uuidOfHex(sid.slice(2, 18).padEnd(32, '0'));
}

/** As an id, the place behind all events of a row. */
export function placeBehindRow(rowId: string): string {
  return eventSid(rowId, ORDINAL_MAX);
}

/** Everything of an event but its data: CloudEvents 1.0, section 3. `id` and `source` need no escaping. */
function envelope(row: EventRow): (id: string, source: string, data: string) => string {
  const { type, schema } = EVENT_KINDS[row.name];
  const dataschema = schema === null ? '' : `"dataschema":"${schema}",`;
  const rest = `","type":"${type}",${dataschema}"datacontenttype":"application/json","time":"${row.at.toISOString()}","data":`;
  return (id, source, data) =>
    `{"specversion":"1.0","id":"${id}","source":"${source}${rest}${data}}`;
}

function encode(row: EventRow, position: number, source: string, data: string): EncodedEvent {
  const id = eventSid(row.id, position);
  const { type } = EVENT_KINDS[row.name];
  return { id, type, key: row.subjectId, json: envelope(row)(id, source, data) };
}

function hasTags(
  tags: Readonly<Record<string, string>>,
  wanted: readonly (readonly [string, string])[],
): boolean {
  return wanted.every(([name, value]) => tags[name] === value);
}

function renderOperation(
  row: EventRow,
  operation: OperationFacts,
  options: RenderOptions,
): EncodedEvent[] {
  if (!hasTags(operation.tags, Object.entries(options.tags))) return [];
  const id = encodeTypeId('comms_operation', row.subjectId);
  const resource = operation.kind === 'EMAILS' ? 'Emails' : 'Messages';
  // The schemas of operations of the hosted API allow no other field.
  const { stats } = row;
  const data =
    stats === null
      ? { operation_id: id }
      : {
          operation_id: id,
          // The database keeps them in an order of its own.
          stats: Object.fromEntries(STAT_NAMES.map((name) => [name, stats[name] ?? 0])),
        };
  return [encode(row, 0, `/v1/${resource}/Operations/${id}`, JSON.stringify(data))];
}

function renderInbound(row: EventRow, facts: EventFacts, options: RenderOptions): EncodedEvent[] {
  const message = facts.inbound.get(row.subjectId);
  // It has no tags, so a subscription with tags does not match.
  if (message === undefined || Object.keys(options.tags).length > 0) return [];
  const id = encodeTypeId('comms_message', message.id);
  const space = message.channel === 'WHATSAPP' ? 'WHATSAPP' : 'PHONE';
  const data = {
    operation_id: null,
    message_id: id,
    account_sid: options.accountSid,
    downstream_id: attemptSid(message.id, 1),
    session_id: null,
    from: { address: message.from, channel: message.channel },
    to: {
      ...(message.senderId === null ? {} : { id: encodeTypeId('comms_sender', message.senderId) }),
      address: message.to,
      channel: space,
    },
    text: message.text,
    tags: {},
  };
  return [encode(row, 0, `/v1/Messages/${id}`, JSON.stringify(data))];
}

/** The data of each message's event begins and ends alike. */
function renderMessages(
  row: EventRow,
  { kind, plan, tags: ofOperation }: OperationFacts,
  facts: EventFacts,
  options: RenderOptions,
  first: number,
): EncodedEvent[] {
  const { type } = EVENT_KINDS[row.name];
  const wanted = Object.entries(options.tags);
  const [prefix, field, resource] =
    kind === 'EMAILS'
      ? (['comms_email', 'email_id', 'Emails'] as const)
      : (['comms_message', 'message_id', 'Messages'] as const);
  const head = `{"operation_id":"${encodeTypeId('comms_operation', row.subjectId)}","${field}":"`;
  const code = row.errorCode === null ? '' : `,"error_code":"${row.errorCode}"`;
  const middle = `","account_sid":"${options.accountSid}","attempt":"${row.attempt}"${code}`;
  const tagsText = JSON.stringify(ofOperation);
  const wrap = envelope(row);
  const writeWay = createWayWriter(plan, row.candidate);
  const events: EncodedEvent[] = [];
  for (const [i, ordinal] of (row.ordinals ?? []).entries()) {
    const uuid = messageUuid(row.subjectId, ordinal);
    const message = facts.messages.get(uuid);
    if (message === undefined || !hasTags(message.tags ?? ofOperation, wanted)) continue;
    const id = eventSid(row.id, first + i);
    const messageId = encodeTypeId(prefix, uuid);
    const sid = row.attempt === 0 ? '' : `,"downstream_id":"${attemptSid(uuid, row.attempt)}"`;
    const tags = message.tags === null ? tagsText : JSON.stringify(message.tags);
    const data = `${head}${messageId}${middle}${sid}${writeWay(message)},"tags":${tags}}`;
    events.push({
      id,
      type,
      key: row.subjectId,
      json: wrap(id, `/v1/${resource}/${messageId}`, data),
    });
  }
  return events;
}

/** Writes `from` and `to` of a message; neither for an erased message. */
function createWayWriter(
  plan: OperationFacts['plan'],
  position: number,
): (message: MessageFacts) => string {
  const texts = new Map<Candidate['sender'], string>();
  return ({ addresses }) => {
    if (addresses.length === 0) return '';
    const route = listCandidates(addresses, plan)[position];
    if (route === undefined) return '';
    const { sender, to } = route;
    let from = texts.get(sender);
    if (from === undefined) {
      const { senderId, address, channel } = sender;
      const id = senderId === undefined ? {} : { id: encodeTypeId('comms_sender', senderId) };
      from = `,"from":${JSON.stringify({ ...id, address, channel })},"to":`;
      texts.set(sender, from);
    }
    return from + JSON.stringify({ address: to.address, channel: to.channel });
  };
}

/** An event that tries a subscription out. */
export function renderTest(subscriptionId: string, rowId: string, at: Date): EncodedEvent {
  const id = eventSid(rowId, 0);
  const event = {
    specversion: '1.0',
    id,
    source: `/v1/Subscriptions/${subscriptionId}`,
    type: TEST_TYPE,
    datacontenttype: 'application/json',
    time: at.toISOString(),
    data: { subscription_id: subscriptionId },
  };
  return { id, type: TEST_TYPE, key: subscriptionId, json: JSON.stringify(event) };
}

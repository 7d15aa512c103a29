/**
 * Events as Kafka messages: CloudEvents Kafka protocol binding 1.0.2, structured content mode
 * (section 3.3). Pure.
 */
import { CLOUD_EVENT_JSON } from './broker-sink.ts';
import type { EncodedEvent } from './sink.ts';

/** A message in the form of a producer. */
export interface KafkaMessage {
  readonly key: string;
  readonly value: string;
  readonly headers: Record<string, string>;
}

const CONTENT_TYPE = `${CLOUD_EVENT_JSON}; charset=UTF-8`;
/** Maximum bytes of a record besides key, value and headers. */
const RECORD_BYTES = 100;

/**
 * An event's message. Headers have the id and the type too (section 3.3.3), for consumers that filter without reading
 * the JSON.
 */
export function composeKafkaMessage({ id, type, key, json }: EncodedEvent): KafkaMessage {
  return {
    key,
    value: json,
    headers: { 'content-type': CONTENT_TYPE, ce_id: id, ce_type: type },
  };
}

/** Messages in requests of at most `bytesMax`, in order. One that is larger goes alone, for the broker to refuse. */
export function splitRequests(
  messages: readonly KafkaMessage[],
  bytesMax: number,
): KafkaMessage[][] {
  const requests: KafkaMessage[][] = [];
  let room = 0;
  for (const message of messages) {
    const bytes = countBytes(message);
    const request = requests.at(-1);
    if (request === undefined || bytes > room) {
      requests.push([message]);
      room = bytesMax - bytes;
    } else {
      request.push(message);
      room -= bytes;
    }
  }
  return requests;
}

function countBytes({ key, value, headers }: KafkaMessage): number {
  const texts = [key, value, ...Object.entries(headers).flat()];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), RECORD_BYTES);
}

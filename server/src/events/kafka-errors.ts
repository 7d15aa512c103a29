/**
 * Errors of the Kafka client in words for people. They are recognised by name and type, because
 * the client may be missing.
 */

/** Optional fields of a Kafka error. */
interface KafkaError extends Error {
  /** Name of the protocol's error code, `TOPIC_AUTHORIZATION_FAILED`. */
  readonly type?: string;
}

const ADVICE: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'there is no such topic. Make it: Fanfare makes none.',
  TOPIC_AUTHORIZATION_FAILED: 'the account may not write to the topic.',
  MESSAGE_TOO_LARGE:
    'a request is larger than the topic takes (max.message.bytes). Lower requestBytesMax; one event alone cannot be split.',
  RECORD_LIST_TOO_LARGE:
    'a request is larger than a segment of the topic (segment.bytes). Lower requestBytesMax.',
  NOT_ENOUGH_REPLICAS: 'too few replicas are in sync (min.insync.replicas).',
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 'too few replicas are in sync (min.insync.replicas).',
};

/** The error in words, and the action to take if it is known. */
export function describeKafkaError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message, type, cause } = error as KafkaError;
  // The client reports used-up retries, although it makes none.
  if (name === 'KafkaJSNumberOfRetriesExceeded' && cause instanceof Error)
    return describeKafkaError(cause);
  const advice = type === undefined ? undefined : ADVICE[type];
  if (advice !== undefined) return advice;
  if (name === 'KafkaJSSASLAuthenticationError')
    return `the broker does not take our credentials (${withoutStop(message)}).`;
  return `${withoutStop(message)}${type === undefined ? '' : ` (${type})`}.`;
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}

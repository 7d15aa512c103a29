/**
 * Errors of the NATS client in words for people. They are recognised by name, because the client
 * may be missing, or loaded twice.
 */

/** The error in words, and the action to take if it is known. */
export function describeNatsError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message, cause } = error;
  switch (name) {
    case 'JetStreamNotEnabled':
      return cause instanceof Error && cause.name === 'JetStreamApiError'
        ? 'JetStream is not enabled for this account.'
        : 'no stream takes this subject, or JetStream is off. Make a stream with this subject.';
    case 'JetStreamApiError':
      return `the stream refuses it: ${message}.`;
    case 'AuthorizationError':
    case 'UserAuthenticationExpiredError':
      return `the server does not take our credentials (${message}).`;
    case 'PermissionViolationError':
      return `the account may not do this (${message}).`;
    case 'ClosedConnectionError':
    case 'DrainingConnectionError':
      return 'the connection was lost.';
    case 'TimeoutError':
      return 'no answer in time.';
    case 'RequestError':
      if (cause instanceof Error && cause !== error) return describeNatsError(cause);
      return message === 'connection closed'
        ? 'the connection was lost.'
        : `the request failed (${message}).`;
    case 'InvalidArgumentError':
      return message.includes('max_payload')
        ? 'the event is larger than the server takes (max_payload).'
        : `${message}.`;
    default:
      return `${message}.`;
  }
}

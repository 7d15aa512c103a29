/**
 * An outlet: collects the PDUs that a session writes in one round of the event loop, and sends them in one write.
 * Submissions are collected separately: if the SMSC unbinds, they are withdrawn, and everything else is still sent.
 */
import type { MessageBody, Pdu } from './pdu.ts';
import { PduWriter } from './writer.ts';

/** Octets that are written at once without waiting for the end of the round. */
const FLUSH_AT = 32 * 1024;
const BUFFER_SIZE = 64 * 1024;

export interface Outlet {
  submit(sequence: number, body: MessageBody): void;
  send(pdu: Pdu): void;
  /** Writes pending octets. */
  flush(): void;
  /** Drops submissions that were not written. */
  takeBack(): void;
}

/** @param write called with octets that are the callee's from then on */
export function createOutlet(write: (octets: Buffer) => void): Outlet {
  const submissions = new PduWriter(BUFFER_SIZE);
  const others = new PduWriter(BUFFER_SIZE);
  let flushing: NodeJS.Immediate | null = null;

  function flush(): void {
    if (flushing !== null) clearImmediate(flushing);
    flushing = null;
    for (const writer of [submissions, others]) if (writer.length > 0) write(writer.take());
  }

  function flushSoon(): void {
    if (submissions.length + others.length >= FLUSH_AT) flush();
    else flushing ??= setImmediate(flush);
  }

  return {
    submit(sequence, body) {
      submissions.writeSubmit(sequence, body);
      flushSoon();
    },
    send(pdu) {
      others.write(pdu);
      flushSoon();
    },
    flush,
    takeBack: () => void submissions.take(),
  };
}

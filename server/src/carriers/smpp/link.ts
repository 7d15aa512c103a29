/**
 * A link: keeps one session alive. After its end, the link opens another one. The pause before it grows with each failure
 * and is random up to its length ("full jitter"), so that many links do not return at once.
 */
import type { Logger } from '../../lib/log.ts';
import type { SmppOptions } from './options.ts';
import type { BindName, MessageBody } from './pdu.ts';
import type { Answer } from './outstanding.ts';
import type { Delivery, SessionEnd } from './session-events.ts';
import { Session } from './session.ts';

/** Events of a link. */
export interface LinkEvents {
  onBound(): void;
  onRoom(): void;
  /** As `SessionEvents.onDelivery`. */
  onDelivery(delivery: Delivery, answer: (status: number) => void): boolean;
  /** As `SessionEvents.onDamage`. */
  onDamage(): void;
  /** A session ended; another may follow. */
  onDown(): void;
}

export interface Link {
  /** Begins to connect, also after a stop. */
  start(): void;
  /** Whether there is a session, bound or not. */
  readonly isOpen: boolean;
  readonly isBound: boolean;
  /** How many submit_sm it takes now. */
  readonly room: number;
  /** Why it is not bound; null while it is. */
  readonly detail: string | null;
  /** As `Session.submit`. */
  submit(body: MessageBody, done: (answer: Answer) => void): void;
  /** As `Session.resume`. */
  resume(): void;
  /** Stops connecting; ends the session as `Session.stop`. */
  stop(drainMs: number): Promise<void>;
}

/** A session of at least this duration resets the pauses. */
const STEADY_MS = 5_000;

/**
 * The pause before try number `failures` + 1, in milliseconds. After a refusal that does not mend itself it is the
 * longest, between half and all of it.
 */
export function reconnectDelayMs(
  options: Pick<SmppOptions, 'reconnectMinMs' | 'reconnectMaxMs' | 'random'>,
  failures: number,
  isRefused: boolean,
): number {
  const { reconnectMinMs, reconnectMaxMs, random } = options;
  if (isRefused) return Math.round(reconnectMaxMs * (0.5 + random() / 2));
  const step = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** Math.min(failures, 30));
  return Math.round(step * random());
}

/** A link that binds as `bind`. */
export function createLink(
  options: SmppOptions,
  bind: BindName,
  events: LinkEvents,
  log: Logger,
): Link {
  let session: Session | null = null;
  let timer: NodeJS.Timeout | null = null;
  let failures = 0;
  let boundAt: number | null = null;
  let stopped = false;
  let detail: string | null = 'Not connected yet';
  /** Why it was not bound when that was logged last; null: it was. */
  let logged: string | null = null;

  function open(): void {
    timer = null;
    session = new Session(
      options,
      bind,
      {
        onBound() {
          boundAt = performance.now();
          detail = null;
          logged = null;
          log.info({ bind }, 'Bound to the SMSC');
          events.onBound();
        },
        onRoom: () => events.onRoom(),
        onDelivery: (delivery, answer) => events.onDelivery(delivery, answer),
        onDamage: () => events.onDamage(),
        onClosed,
      },
      log,
    );
    session.open();
  }

  function onClosed(end: SessionEnd): void {
    if (boundAt !== null && performance.now() - boundAt >= STEADY_MS) failures = 0;
    boundAt = null;
    session = null;
    detail = end.reason;
    if (!stopped) {
      const delayMs = reconnectDelayMs(options, failures, end.isRefused);
      failures += 1;
      // Tries go on for as long as it takes: each reason is said once.
      const level = end.reason === logged ? 'debug' : end.isRefused ? 'error' : 'warn';
      logged = end.reason;
      log[level]({ bind, reason: end.reason, delayMs }, 'Not bound to the SMSC; connecting again');
      timer = setTimeout(open, delayMs);
    }
    events.onDown();
  }

  return {
    start() {
      stopped = false;
      if (session === null && timer === null) open();
    },
    get isOpen() {
      return session !== null;
    },
    get isBound() {
      return session?.state === 'BOUND';
    },
    get room() {
      return session?.room ?? 0;
    },
    get detail() {
      return detail;
    },
    submit(body, done) {
      if (session === null) done({ kind: 'unsent', detail: detail ?? 'Not bound' });
      else session.submit(body, done);
    },
    resume: () => session?.resume(),
    async stop(drainMs) {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      await session?.stop(drainMs);
    },
  };
}

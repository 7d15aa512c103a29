/**
 * A guarded connector: opens the sockets of an undici client, only to addresses that the guard allows. It knows its open
 * sockets, including those that are still connecting, so that it leaves none behind. The client handles requests.
 */
import { isIP, Socket } from 'node:net';
import { buildConnector } from 'undici';
import { skipInterimAnswers } from '../lib/interim-answers.ts';
import { denyLiteral, isPublicAddress, type AddressGuard } from './address-guard.ts';

/** The sockets of one client. */
export interface GuardedConnector {
  /** For the option `connect` of a client. Fails with a `TargetDeniedError` where the guard says no. */
  readonly connect: buildConnector.connector;
  /** Sockets that are connecting or connected. */
  readonly openSockets: number;
  /** Whether every connection so far went to a public address. */
  readonly isPublic: boolean;
  /** Closes all sockets; there will be no others. */
  destroy(): void;
}

export interface ConnectorOptions {
  /** Until TCP, and TLS where it is spoken, are ready. Coarse: half a second more or less. */
  readonly timeoutMs: number;
  /** Certificates to trust instead of Node.js's own, as PEM. */
  readonly ca?: string | undefined;
  /** A socket was closed. */
  readonly onClosed: () => void;
}

/** Time for one address before the next is tried in parallel. Node.js has 250 ms; distant hosts need more. */
const ADDRESS_ATTEMPT_MS = 1_000;

/** Opens no connection by itself. Verifies certificates. */
export function createGuardedConnector(
  guard: AddressGuard,
  { timeoutMs, ca, onClosed }: ConnectorOptions,
): GuardedConnector {
  const open = new Set<Socket>();
  let isPublic = true;
  let isDestroyed = false;
  const connect = buildConnector({
    timeout: timeoutMs,
    lookup: guard.lookup,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
    ...(ca === undefined ? {} : { ca }),
  });

  return {
    connect(options, callback) {
      const { hostname } = options;
      if (isDestroyed) return callback(new Error('The connector was destroyed.'), null);
      // No lookup is made for these.
      if (isIP(hostname) !== 0 && !guard.mayConnect(hostname, hostname))
        return callback(denyLiteral(hostname), null);
      const socket: unknown = connect(options, (...result) => {
        const [error, connected] = result;
        if (error === null) {
          isPublic &&= isPublicAddress(connected.remoteAddress ?? '');
          skipInterimAnswers(connected);
        }
        callback(...result);
      });
      // undici returns the socket, though its types do not declare it.
      if (!(socket instanceof Socket)) return;
      open.add(socket);
      socket.once('close', () => {
        open.delete(socket);
        onClosed();
      });
    },
    get openSockets() {
      return open.size;
    },
    get isPublic() {
      return isPublic;
    },
    destroy() {
      isDestroyed = true;
      for (const socket of open) socket.destroy();
    },
  };
}

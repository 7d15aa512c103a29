/**
 * A gate before PostgreSQL, to which nodes connect. It cuts them off while PostgreSQL moves, and disturbs their connections
 * as a network does.
 *
 * ```
 *  open ──hold──▶ nothing passes, nothing is lost: a cable pulled for a moment ──pass──▶ open
 *    └──swallow──▶ all data is lost, also of new connections; they stay dead: a firewall that forgot them ──pass──▶ open
 *    └──cut──▶ connections are reset, and new ones too: a route that is gone ──pass──▶ open
 *    └──lose(share)──▶ a connection stalls permanently at the first lost chunk ──pass──▶ open
 * ```
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

type Mode = 'pass' | 'hold' | 'swallow' | 'cut';

export class Gate {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Sockets whose bytes go nowhere any more. */
  readonly #dead = new Set<Socket>();
  #target: { readonly host: string; readonly port: number };
  #mode: Mode = 'pass';
  #isLost: () => boolean = () => false;

  private constructor(url: string) {
    this.#target = hostOf(url);
    this.#server = createServer({ noDelay: true }, (socket) => this.#relay(socket));
  }

  static async open(url: string): Promise<Gate> {
    const gate = new Gate(url);
    gate.#server.listen(0, '127.0.0.1');
    await once(gate.#server, 'listening');
    return gate;
  }

  /** The URL of the database by way of the gate. */
  urlOf(url: string): string {
    const { port } = this.#server.address() as AddressInfo;
    return Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href;
  }

  /** From now on connections go there. */
  aim(url: string): void {
    this.#target = hostOf(url);
  }

  /** Nothing passes until `pass`; then all of it does. */
  hold(): void {
    this.#mode = 'hold';
    for (const socket of this.#sockets) socket.pause();
  }

  /** Data is lost until `pass`. Existing connections stay dead, without a sign to either end. */
  swallow(): void {
    this.#mode = 'swallow';
    for (const socket of this.#sockets) this.#dead.add(socket);
  }

  /** Connections are reset, and new ones as soon as they are made. */
  cut(): void {
    this.#mode = 'cut';
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** From now on chunks are lost for which `isLost` says so: nothing behind them arrives. */
  lose(isLost: () => boolean): void {
    this.#isLost = isLost;
  }

  /** New connections work again, and existing ones that are not dead. */
  pass(): void {
    this.#mode = 'pass';
    this.#isLost = () => false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Connections that have stalled for good. */
  get dead(): number {
    return this.#dead.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #relay(socket: Socket): void {
    if (this.#mode === 'cut') {
      socket.on('error', () => undefined).resetAndDestroy();
      return;
    }
    if (this.#mode === 'swallow') {
      this.#sockets.add(socket);
      this.#dead.add(socket);
      socket.on('error', () => undefined).on('close', () => this.#sockets.delete(socket));
      socket.resume();
      return;
    }
    const onward = connect({ ...this.#target, noDelay: true });
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#sockets.add(one);
      if (this.#mode === 'hold') one.pause();
      one.on('data', (bytes: Buffer) => {
        if (this.#isLost()) this.#dead.add(one);
        if (this.#dead.has(one)) return;
        // Like a pipe: data that one side cannot take yet waits on the other.
        if (!other.write(bytes) && this.#mode !== 'swallow') one.pause();
      });
      other.on('drain', () => this.#mode !== 'hold' && one.resume());
      // Of a dead one nobody on the other side learns that it has ended.
      one.on('error', () => this.#dead.has(one) || other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        if (!this.#dead.has(one)) other.end();
      });
    }
  }
}

function hostOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port || 5432) };
}

/** A gate before PostgreSQL: what nodes connect to, so that they can be cut off while it stops and comes back elsewhere. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class Gate {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target: { readonly host: string; readonly port: number };

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

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #relay(socket: Socket): void {
    const onward = connect({ ...this.#target, noDelay: true });
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}

function hostOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port || 5432) };
}

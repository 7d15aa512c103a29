/** The installation, for its operators. */
import type { CarrierList, System as SystemState } from './api.ts';
import { listPages, type Listing } from './listing.ts';
import type { CallOptions, Transport } from './transport.ts';

export class System {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The node that answers, the queue, the database. */
  fetch(options?: CallOptions): Promise<SystemState> {
    return this.#transport.call('fetchSystem', {}, options);
  }

  /** How the carriers stand: connections, windows, queues. */
  listCarriers(options?: CallOptions): Listing<CarrierList> {
    return listPages(this.#transport, 'listCarriers', {}, options);
  }
}

/** Finds the channels and carriers that reach a recipient, and the content they can carry. Pure. */
import type { Carriage, Route } from '../domain/carriage.ts';
import type { Address, AddressChannel, Channel } from '../domain/message.ts';
import type { SendPlan } from '../domain/operation.ts';
import { reaches } from '../domain/routing.ts';

/** The limits of a carrier on a channel. */
export type FindCarriage = (carrier: string, channel: Channel) => Carriage;

/** All routes to these addresses, first choices and fallbacks; the same list for the same kinds of addresses. */
export type FindRoutes = (addresses: readonly Address[]) => readonly Route[];

export function createRouteFinder({ senders }: SendPlan, findCarriage: FindCarriage): FindRoutes {
  const all = new Map<string, Route>();
  for (const { channel, carrier } of senders) {
    const key = `${channel} ${carrier}`;
    if (!all.has(key)) all.set(key, { channel, carrier, carriage: findCarriage(carrier, channel) });
  }
  const known = new Map<string, readonly Route[]>();
  const listFor = (spaces: readonly AddressChannel[]) => {
    const key = spaces.join();
    const found = known.get(key);
    if (found !== undefined) return found;
    const routes = [...all.values()].filter(({ channel }) =>
      spaces.some((space) => reaches(channel, space)),
    );
    known.set(key, routes);
    return routes;
  };
  return (addresses) => listFor(addresses.map(({ channel }) => channel));
}

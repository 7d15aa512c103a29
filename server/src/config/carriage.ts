/**
 * What each configured carrier can carry. A file of its own, as intake needs nothing else of the options of carriers.
 */
import { carriageOfRequest } from '../carriers/http/carriage.ts';
import { CARRIAGE, WHOLE, type Carriage } from '../domain/carriage.ts';
import type { Channel } from '../domain/message.ts';
import type { CarrierConfig } from './carriers.ts';

/** By name and channel. What is not configured here is configured on the node that sends: it refuses what it cannot carry. */
export function createCarriageFinder(
  carriers: Readonly<Record<string, CarrierConfig>>,
): (carrier: string, channel: Channel) => Carriage {
  return (name, channel) => {
    const options = Object.hasOwn(carriers, name) ? carriers[name] : undefined;
    if (options === undefined) return WHOLE;
    if (options.kind === 'http') return carriageOfRequest(options.description.request, channel);
    const known: Readonly<Partial<Record<Channel, Carriage>>> = CARRIAGE[options.kind];
    return known[channel] ?? WHOLE;
  };
}

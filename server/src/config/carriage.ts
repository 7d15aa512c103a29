/** The limits of each configured carrier. A separate file, because intake needs no other option of carriers. */
import { carriageOfRequest } from '../carriers/http/carriage.ts';
import { CARRIAGE, WHOLE, type Carriage } from '../domain/carriage.ts';
import type { Channel } from '../domain/message.ts';
import type { CarrierConfig } from './carriers.ts';

/** Limits by name and channel. Other carriers are configured on a sending node, which refuses content that does not fit. */
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

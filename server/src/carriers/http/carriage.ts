/**
 * What an HTTP provider can carry: as its description says (`request.carries`), and else as far as its templates have a
 * place for it, so that no description leaves out what a message has. Pure.
 */
import { WHOLE, type Carriage } from '../../domain/carriage.ts';
import type { Channel } from '../../domain/message.ts';
import type { RequestDescription } from './description.ts';

/** What a request made by the description carries over a channel. */
export function carriageOfRequest(request: RequestDescription, channel: Channel): Carriage {
  const { carries, mediaMax, body, url, headers } = request;
  const own = carries?.[channel];
  const source = JSON.stringify([body?.template ?? null, url, headers ?? null]);
  const places = source.includes('mediaUrls')
    ? WHOLE.mediaMax
    : source.includes('mediaUrl')
      ? 1
      : 0;
  const derived: Carriage = {
    ...WHOLE,
    mediaMax: Math.min(mediaMax ?? WHOLE.mediaMax, places),
    rich: source.includes('/rich') ? 'whole' : null,
  };
  return { ...derived, ...own };
}

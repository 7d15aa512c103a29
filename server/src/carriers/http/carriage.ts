/**
 * The content limits of an HTTP provider. They are in its description (`request.carries`), or follow from the fields of
 * its templates. So no description silently omits a part of a message. Pure.
 */
import { WHOLE, type Carriage } from '../../domain/carriage.ts';
import type { Channel } from '../../domain/message.ts';
import type { RequestDescription } from './description.ts';

/** The limits of the description's requests for a channel. */
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

/** What the cards of a carousel must have in common, and what each of them may be. Pure. */
import type { ContentProblem } from './content-fields.ts';
import { CAROUSEL_CARD_TEXT_MAX, kindOf, type TemplateTypes } from './content-template.ts';
import { mediaKindOf } from './media.ts';

/**
 * Problems of a carousel: buttons that differ from card to card, texts that are too long together, files that are neither
 * image nor video.
 * @param read the value of a field as rendered; null before that
 */
export function checkCarousel(
  types: TemplateTypes,
  read: (value: string, path: string) => string | null,
): ContentProblem[] {
  const { cards = [] } = types['twilio/carousel'] ?? {};
  const [first] = cards;
  const kinds = first?.actions.map(kindOf).join(', ');
  return cards.flatMap(({ title, body, media, actions }, i) => {
    const base = `types["twilio/carousel"].cards[${i}]`;
    const problems: ContentProblem[] = [];
    if (actions.map(kindOf).join(', ') !== kinds)
      problems.push({
        path: `${base}.actions`,
        message: `All cards of a carousel have the same kinds of buttons in the same order; the first card has ${kinds}.`,
      });
    const heading = title === undefined ? '' : read(title, `${base}.title`);
    const words = read(body, `${base}.body`);
    const length = (heading?.length ?? 0) + (words?.length ?? 0);
    if (heading !== null && words !== null && length > CAROUSEL_CARD_TEXT_MAX)
      problems.push({
        path: `${base}.body`,
        message: `Title and body of a card have at most ${CAROUSEL_CARD_TEXT_MAX} characters (UTF-16 units) together; these have ${length}.`,
      });
    const file = read(media, `${base}.media`);
    const kind = file === null ? 'image' : mediaKindOf(file);
    if (kind !== 'image' && kind !== 'video')
      problems.push({
        path: `${base}.media`,
        message: `A card of a carousel has an image or a video; this is a file of the kind "${kind}".`,
      });
    return problems;
  });
}

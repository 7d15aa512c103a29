/** An approximate preview of a message: SMS with segments, an RCS card, an e-mail. It loads nothing from other servers. */
import type { ComponentChildren } from 'preact';
import { measureSms } from '../../../server/src/domain/segments.ts';
import { plural } from '../format.ts';
import { EmailFrame } from './email-frame.tsx';

/** The content of a message. */
export interface Said {
  readonly channel: string;
  readonly from: string;
  readonly text?: string | null | undefined;
  readonly mediaUrls?: readonly string[];
  /** Rich content of RCS. */
  readonly rich?: Readonly<Record<string, unknown>> | null;
}

const CHANNEL_NAMES: Readonly<Record<string, string>> = {
  SMS: 'Text message',
  RCS: 'RCS chat',
  WHATSAPP: 'WhatsApp chat',
};

export function PhonePreview({ said }: { readonly said: Said }) {
  const { channel, from } = said;
  return (
    <figure class={`phone c-${channel.toLowerCase()}`}>
      <div class="phone-screen">
        <p class="phone-head">
          <b>{from}</b>
          <span>{CHANNEL_NAMES[channel] ?? channel}</span>
        </p>
        <div class="phone-talk">
          <Bubbles said={said} />
        </div>
      </div>
      <figcaption>
        <Cost said={said} />
      </figcaption>
    </figure>
  );
}

function Bubbles({ said }: { readonly said: Said }) {
  const { text, mediaUrls = [], rich } = said;
  if (rich) return <Rich rich={rich} />;
  if (!text && mediaUrls.length === 0)
    return <p class="bubble empty-bubble">Nothing to show yet</p>;
  return (
    <>
      {mediaUrls.map((url) => (
        <Media key={url} url={url} />
      ))}
      {text && <p class="bubble">{text}</p>}
    </>
  );
}

/** The cards of a carousel are side by side, below its text. */
function Rich({ rich }: { readonly rich: Fields }) {
  const cards = fieldsOf(fieldsOf(rich['richCard'])['carouselCard'])['cardContents'];
  if (!Array.isArray(cards)) return <Card card={readCard(rich)} />;
  const body = wordsOf(rich['body']);
  return (
    <>
      {body !== null && <p class="bubble">{body}</p>}
      <ul class="carousel" aria-label={plural(cards.length, 'card')} tabIndex={0}>
        {(cards as unknown[]).map((card, i) => (
          <li key={i}>
            <Card card={readCardContent(fieldsOf(card))} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** A picture as its URL. The page loads nothing from other servers. */
function Media({ url }: { readonly url: string }) {
  return (
    <p class="media">
      <span>Picture or file</span>
      <code>{url}</code>
    </p>
  );
}

function Cost({ said }: { readonly said: Said }) {
  if (said.channel !== 'SMS') return <span>{CHANNEL_NAMES[said.channel] ?? said.channel}</span>;
  const { segments, encoding, units } = measure(said.text ?? '');
  return (
    <span>
      {plural(segments, 'segment')} · {encoding} · {plural(units, 'character')}
    </span>
  );
}

interface CardShown {
  readonly title: string | null;
  readonly text: string | null;
  readonly media: string | null;
  readonly suggestions: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null ? (value as Fields) : {};
const wordsOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** The visible parts of RCS content, in any of its forms. */
function readCard(rich: Fields): CardShown {
  const card = fieldsOf(fieldsOf(fieldsOf(rich['richCard'])['standaloneCard'])['cardContent']);
  if (Object.keys(card).length > 0) return readCardContent(card);
  return {
    title: null,
    text: wordsOf(rich['text']),
    media: fileOf(rich['media']),
    suggestions: readSuggestions(rich),
  };
}

function readCardContent(card: Fields): CardShown {
  return {
    title: wordsOf(card['title']),
    text: wordsOf(card['description']),
    media: fileOf(card['media']),
    suggestions: readSuggestions(card),
  };
}

const fileOf = (media: unknown) => wordsOf(fieldsOf(fieldsOf(media)['contentInfo'])['fileUrl']);

function readSuggestions({ suggestions }: Fields): readonly string[] {
  const labels = (Array.isArray(suggestions) ? (suggestions as unknown[]) : []).map((each) => {
    const { reply, action } = fieldsOf(each);
    return wordsOf(fieldsOf(reply ?? action)['text']) ?? '';
  });
  return labels.filter((each) => each !== '');
}

function Card({ card }: { readonly card: CardShown }) {
  return (
    <div class={card.title === null && card.media === null ? 'bubble' : 'card'}>
      {card.media !== null && <Media url={card.media} />}
      {card.title !== null && <b>{card.title}</b>}
      {card.text !== null && <p>{card.text}</p>}
      {card.suggestions.length > 0 && (
        <ul class="suggestions">
          {card.suggestions.map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

export function EmailPreview(props: {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly html: string;
  readonly note?: ComponentChildren;
}) {
  return (
    <figure class="email">
      <dl>
        <div>
          <dt>From</dt>
          <dd>{props.from}</dd>
        </div>
        <div>
          <dt>To</dt>
          <dd>{props.to}</dd>
        </div>
        <div>
          <dt>Subject</dt>
          <dd>
            <b>{props.subject}</b>
          </dd>
        </div>
      </dl>
      <EmailFrame html={props.html} />
      <figcaption>{props.note ?? 'The preview loads no pictures and runs no scripts.'}</figcaption>
    </figure>
  );
}

function measure(text: string): { segments: number; encoding: string; units: number } {
  const counted = measureSms(text);
  return { ...counted, units: [...text].length };
}

/** Composes a send in four steps on one page: recipients, content, sender and time, review. */
import { useEffect, useState } from 'preact/hooks';
import type { Sender, SenderPool, SendMessagesRequest } from '@fanfare/client';
import { client, explain } from '../api.ts';
import type { Draft } from '../draft.ts';
import { plural } from '../format.ts';
import { useLoaded } from '../hooks.ts';
import { toRecipients, type Recipients } from '../recipients.ts';
import { linkTo, place } from '../router.ts';
import { useList, type ListState } from '../use-list.ts';
import { Loading, Notice, PageHead, Section } from '../ui/parts.tsx';
import { OWN_ZONE } from '../zones.ts';
import { Check } from './compose-check.tsx';
import { ContentStep } from './compose-content.tsx';
import { OptionsStep } from './compose-options.tsx';
import { RecipientsStep } from './compose-recipients.tsx';

const EMPTY: Draft = {
  kind: 'messages',
  text: '',
  mediaUrl: '',
  subject: '',
  html: '',
  kept: null,
  from: '',
  tags: '',
  when: 'now',
  at: '',
  zone: OWN_ZONE,
};

export interface Identities {
  readonly senders: readonly Sender[];
  readonly pools: readonly SenderPool[];
}

/** Maximum number of senders and of pools to choose from. */
const IDENTITIES_MAX = 1_000;

export function Compose() {
  const again = place.value.query.get('again');
  const [draft, setDraft] = useState(EMPTY);
  const [ofMessages, ofEmails] = [useList('PHONE'), useList('EMAIL')];
  const list: ListState = draft.kind === 'emails' ? ofEmails : ofMessages;
  const [repeated, setRepeated] = useState<Recipients | null>(null);
  const [error, setError] = useState<string | null>(null);
  const change = (changes: Partial<Draft>) => setDraft((before) => ({ ...before, ...changes }));
  const identities = useLoaded<Identities>('identities', async (signal) => {
    const [{ senders }, { senderPools: pools }] = await Promise.all([
      client.senders.list({ pageSize: IDENTITIES_MAX }, { signal }),
      client.senderPools.list({ pageSize: IDENTITIES_MAX }, { signal }),
    ]);
    return { senders: senders.filter(({ status }) => status === 'ACTIVATED'), pools };
  });

  useEffect(() => {
    if (again === null) return;
    client.messages.fetchRequest(again, ['FAILED', 'UNDELIVERED']).then(
      (request) => {
        setRepeated(toRecipients(request.to));
        change(draftOf(request));
      },
      (reason: unknown) => setError(explain(reason)),
    );
  }, [again]);

  const recipients = repeated ?? list.recipients;
  const title = again === null ? 'Compose' : 'Send again';
  return (
    <>
      <PageHead title={title}>
        {again === null && (
          <KindSwitch
            draft={draft}
            onChange={(kind) => {
              list.take(null);
              change({ kind, from: '' });
            }}
          />
        )}
      </PageHead>
      {error !== null && <Notice tone="bad">{error}</Notice>}
      <div class="compose">
        <Section title="1. Recipients" class="step-section">
          {again === null ? (
            <RecipientsStep key={draft.kind} kind={draft.kind} list={list} />
          ) : repeated === null ? (
            error === null && <Loading lines={2} />
          ) : (
            <p>
              <b>{plural(repeated.count, 'recipient')}</b> of{' '}
              <a href={linkTo(['operation', again])}>an earlier operation</a> whose messages failed
              or were not delivered.
            </p>
          )}
        </Section>
        <Section title="2. Content" class="step-section">
          <ContentStep
            draft={draft}
            recipients={recipients}
            columns={list.table?.columns ?? []}
            onChange={change}
          />
        </Section>
        <Section title="3. Sender and time" class="step-section">
          <OptionsStep draft={draft} identities={identities} onChange={change} />
        </Section>
        <Section title="4. Review and send" class="step-section">
          <Check draft={draft} recipients={recipients} senders={identities.value?.senders ?? []} />
        </Section>
      </div>
    </>
  );
}

function KindSwitch(props: {
  readonly draft: Draft;
  readonly onChange: (kind: Draft['kind']) => void;
}) {
  return (
    <fieldset class="switch">
      <legend class="hidden">Kind</legend>
      {(
        [
          ['messages', 'Messages'],
          ['emails', 'E-mails'],
        ] as const
      ).map(([kind, words]) => (
        <label key={kind}>
          <input
            type="radio"
            name="kind"
            checked={props.draft.kind === kind}
            onChange={() => props.onChange(kind)}
          />
          <span>{words}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** A draft with the content of an earlier operation. */
function draftOf({ content, from, tags = {} }: SendMessagesRequest): Partial<Draft> {
  const isPlain = !('modules' in content) && !('contentId' in content);
  const plain = isPlain ? (content as { text?: string; media?: { url: string }[] }) : {};
  const isOne = isPlain && (plain.media ?? []).length <= 1;
  return {
    ...(isOne
      ? { text: plain.text ?? '', mediaUrl: plain.media?.[0]?.url ?? '' }
      : { kept: content }),
    tags: Object.entries(tags)
      .map(([key, value]) => `${key}:${value}`)
      .join('; '),
    from: fromText(from),
  };
}

/** A sender as a value of the sender field. Values that the field does not offer, such as channels of a pool, are kept. */
function fromText(from: SendMessagesRequest['from']): string {
  if (from === undefined) return '';
  const [only, ...more] = Object.entries(from);
  if (only !== undefined && more.length === 0)
    return `${only[0] === 'senderPoolId' ? 'pool' : 'sender'}:${only[1] as string}`;
  return `request:${JSON.stringify(from)}`;
}

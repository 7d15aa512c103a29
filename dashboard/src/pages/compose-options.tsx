/** The sender, the tags and the time of a send. */
import type { Draft } from '../draft.ts';
import { readTags } from '../draft.ts';
import type { Loaded } from '../hooks.ts';
import { Field } from '../ui/parts.tsx';
import { listZones } from '../zones.ts';
import type { Identities } from './compose.tsx';

const ZONES = listZones();

export function OptionsStep(props: {
  readonly draft: Draft;
  readonly identities: Loaded<Identities>;
  readonly onChange: (changes: Partial<Draft>) => void;
}) {
  const { draft, onChange } = props;
  return (
    <div class="options">
      <SenderField {...props} />
      <Field
        label="Tags (optional)"
        hint="To find this send later. Write key:value, separated by semicolons."
        error={readTags(draft.tags) === null ? 'Write key:value, separated by semicolons.' : null}
      >
        {(ids) => (
          <input
            {...ids}
            placeholder="campaign:spring"
            spellcheck={false}
            value={draft.tags}
            onInput={(event) => onChange({ tags: event.currentTarget.value })}
          />
        )}
      </Field>
      <fieldset class="when">
        <legend>Time</legend>
        <label>
          <input
            type="radio"
            name="when"
            checked={draft.when === 'now'}
            onChange={() => onChange({ when: 'now' })}
          />
          Now
        </label>
        <label>
          <input
            type="radio"
            name="when"
            checked={draft.when === 'zone'}
            onChange={() => onChange({ when: 'zone' })}
          />
          At a set time
        </label>
        <label>
          <input
            type="radio"
            name="when"
            checked={draft.when === 'recipient'}
            onChange={() => onChange({ when: 'recipient' })}
          />
          At a set local time of each recipient
        </label>
      </fieldset>
      {draft.when !== 'now' && (
        <div class="time">
          <Field label="Date and time" hint="Up to seven days ahead.">
            {(ids) => (
              <input
                {...ids}
                type="datetime-local"
                value={draft.at}
                onInput={(event) => onChange({ at: event.currentTarget.value })}
              />
            )}
          </Field>
          {draft.when === 'zone' && (
            <Field label="Time zone">
              {(ids) => (
                <select
                  {...ids}
                  value={draft.zone}
                  onInput={(event) => onChange({ zone: event.currentTarget.value })}
                >
                  {(ZONES.includes(draft.zone) ? ZONES : [draft.zone, ...ZONES]).map((zone) => (
                    <option key={zone}>{zone}</option>
                  ))}
                </select>
              )}
            </Field>
          )}
        </div>
      )}
    </div>
  );
}

/** The label for the sender of an earlier request. */
function nameRequested(from: string): string {
  const { channel, address } = JSON.parse(from.slice('request:'.length)) as Record<string, string>;
  return address === undefined ? 'Same as before' : `${channel ?? ''} ${address}`.trim();
}

function SenderField(props: {
  readonly draft: Draft;
  readonly identities: Loaded<Identities>;
  readonly onChange: (changes: Partial<Draft>) => void;
}) {
  const { draft, identities, onChange } = props;
  const isEmail = draft.kind === 'emails';
  const senders = (identities.value?.senders ?? []).filter(
    ({ channel }) => (channel === 'EMAIL') === isEmail,
  );
  const pools = isEmail ? [] : (identities.value?.pools ?? []);
  return (
    <Field label="From" error={identities.error}>
      {(ids) => (
        <select
          {...ids}
          value={draft.from}
          onInput={(event) => onChange({ from: event.currentTarget.value })}
        >
          <option value="">
            {isEmail ? 'Choose a sender' : 'The default sender of each channel'}
          </option>
          {draft.from.startsWith('request:') && (
            <option value={draft.from}>{nameRequested(draft.from)}</option>
          )}
          {pools.length > 0 && (
            <optgroup label="Pools">
              {pools.map(({ id, name }) => (
                <option key={id} value={`pool:${id}`}>
                  {name}
                </option>
              ))}
            </optgroup>
          )}
          <optgroup label="Senders">
            {senders.map(({ id, address, channel, displayName }) => (
              <option key={id} value={isEmail ? address : `sender:${id}`}>
                {`${isEmail ? '' : `${channel} `}${address}${displayName === null ? '' : ` (${displayName})`}`}
              </option>
            ))}
          </optgroup>
        </select>
      )}
    </Field>
  );
}

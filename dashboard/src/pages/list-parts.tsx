/** What is shown of a list that was given, wherever one is: the choices of how to read it, and what came of it. */
import { COUNTRIES } from '../../../server/src/lists/countries.ts';
import { ENCODINGS } from '../../../server/src/lists/encoding.ts';
import { save } from '../export.ts';
import { formatNumber, plural } from '../format.ts';
import type { Recipients } from '../recipients.ts';
import type { ListState } from '../use-list.ts';
import { Button, Field, Notice } from '../ui/parts.tsx';

const COUNTRY_NAMES = new Intl.DisplayNames(['en'], { type: 'region' });
const COUNTRY_CHOICES = COUNTRIES.map(({ iso, code }) => ({
  iso,
  words: `${COUNTRY_NAMES.of(iso) ?? iso} (+${code})`,
})).toSorted((a, b) => a.words.localeCompare(b.words, 'en'));

const SEPARATORS = [
  [',', 'Comma'],
  [';', 'Semicolon'],
  ['\t', 'Tab'],
  ['|', 'Vertical bar'],
] as const;

/** The country of numbers without +, and what a list that does not tell itself needs. */
export function ListChoices({ list, hasNumbers }: { list: ListState; hasNumbers: boolean }) {
  const { choices, choose, error } = list;
  return (
    <div class="time">
      {hasNumbers && (
        <Field label="Numbers without +">
          {(ids) => (
            <select
              {...ids}
              value={choices.country ?? ''}
              onInput={(event) => choose({ country: event.currentTarget.value || null })}
            >
              <option value="">are rejected</option>
              {COUNTRY_CHOICES.map(({ iso, words }) => (
                <option key={iso} value={iso}>
                  {words}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      {(error?.cure === 'encoding' || choices.encoding !== null) && (
        <Field label="Encoding">
          {(ids) => (
            <select
              {...ids}
              value={choices.encoding ?? ''}
              onInput={(event) => choose({ encoding: event.currentTarget.value || null })}
            >
              <option value="">as the file says</option>
              {ENCODINGS.map(([label, words]) => (
                <option key={label} value={label}>
                  {words}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      {(error?.cure === 'separator' || choices.separator !== null) && (
        <Field label="Separator">
          {(ids) => (
            <select
              {...ids}
              value={choices.separator ?? ''}
              onInput={(event) => choose({ separator: event.currentTarget.value || null })}
            >
              <option value="">Choose</option>
              {SEPARATORS.map(([separator, words]) => (
                <option key={separator} value={separator}>
                  {words}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
    </div>
  );
}

/** What was made of a list, and what was not. */
export function ListResult({ recipients, what }: { recipients: Recipients; what: string }) {
  const { cleaned, missing, rejected, reasons, rejectFile } = recipients;
  return (
    <>
      {cleaned.length > 0 && (
        <p class="muted small">
          Read as{' '}
          {cleaned.map(([given, address], i) => (
            <span key={given}>
              {i > 0 && ', '}
              <code>{given}</code> → <code>{address}</code>
            </span>
          ))}
        </p>
      )}
      {missing.map(([name, rows]) => (
        <p key={name} class="muted small">
          “{name}” has no value in {plural(rows, 'row')}: only a default in the template stands in.
        </p>
      ))}
      {rejected > 0 && (
        <Notice tone="warn">
          <p>
            {plural(rejected, 'row')} {rejected === 1 ? 'is' : 'are'} left out{what}:
          </p>
          <ul class="problems">
            {reasons.map((reason) => (
              <li key={reason}>{reason.charAt(0).toUpperCase() + reason.slice(1)}</li>
            ))}
            {rejected > reasons.length && (
              <li>and {formatNumber(rejected - reasons.length)} more.</li>
            )}
          </ul>
          <Button tone="quiet" onClick={() => save('rejected.csv', rejectFile)}>
            Download what was left out
          </Button>
        </Notice>
      )}
    </>
  );
}

/** That a list is being read, and how far it is. */
export function ListProgress({ count }: { count: number | null }) {
  return count === null ? null : (
    <p role="status" class="muted">
      Reading… {count > 0 && plural(count, 'row')}
    </p>
  );
}

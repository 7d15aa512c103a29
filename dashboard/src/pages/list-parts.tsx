/** Parts of pages with a list: the choices for reading it, and the result. */
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

/** The country of numbers without +, and the encoding or separator if the list does not show them. */
export function ListChoices({ list, hasNumbers }: { list: ListState; hasNumbers: boolean }) {
  const { choices, choose, error } = list;
  return (
    <div class="time">
      {hasNumbers && (
        <Field label="Country of numbers without +">
          {(ids) => (
            <select
              {...ids}
              value={choices.country ?? ''}
              onInput={(event) => choose({ country: event.currentTarget.value || null })}
            >
              <option value="">None: reject these numbers</option>
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
              <option value="">Detect automatically</option>
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

/** The result of reading a list: rewritten addresses, missing values, rejected rows. */
export function ListResult({ recipients }: { recipients: Recipients }) {
  const { cleaned, missing, rejected, reasons, rejectFile } = recipients;
  return (
    <>
      {cleaned.length > 0 && (
        <p class="muted small">
          Rewritten:{' '}
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
          “{name}” has no value in {plural(rows, 'row')}. The template needs a default for it.
        </p>
      ))}
      {rejected > 0 && (
        <Notice tone="warn">
          <p>
            {plural(rejected, 'row')} {rejected === 1 ? 'was' : 'were'} rejected:
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
            Download rejected rows
          </Button>
        </Notice>
      )}
    </>
  );
}

/** The progress of reading a list. */
export function ListProgress({ count }: { count: number | null }) {
  return count === null ? null : (
    <p role="status" class="muted">
      Reading… {count > 0 && plural(count, 'row')}
    </p>
  );
}

/** API keys: create, list, revoke. */
import { useState } from 'preact/hooks';
import type { ApiKey, ApiKeyWithSecret } from '@fanfare/client';
import { client, session } from '../api.ts';
import { useAction, useLoaded } from '../hooks.ts';
import { Confirm, Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { Button, Copyable, Empty, Field, Notice, PageHead, Shown, When } from '../ui/parts.tsx';

export function ApiKeysPage() {
  const isByKey = session.value?.credential.startsWith('SK') === true;
  return isByKey ? (
    <>
      <PageHead title="API keys" />
      <Empty title="Sign in with the account’s auth token to manage keys.">
        <p>
          You are signed in with an API key. Sign out, then sign in with the account SID and the
          auth token.
        </p>
      </Empty>
    </>
  ) : (
    <Keys />
  );
}

function Keys() {
  const loaded = useLoaded('keys', (signal) => client.apiKeys.list({ signal }));
  const [isMaking, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  return (
    <>
      <PageHead title="API keys">
        <Button tone="main" onClick={() => setMaking(true)}>
          <Icon name="plus" /> Create key
        </Button>
      </PageHead>
      <Shown of={loaded}>
        {({ apiKeys }) =>
          apiKeys.length === 0 ? (
            <Empty title="No API keys yet.">
              <p>Create a key for each program, so that you can revoke one without the others.</p>
            </Empty>
          ) : (
            <table class="rows">
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">SID</th>
                  <th scope="col" class="wide-only">
                    Permissions
                  </th>
                  <th scope="col" class="wide-only number">
                    Created
                  </th>
                  <th scope="col" class="wide-only number">
                    Last used
                  </th>
                  <th scope="col" class="number">
                    State
                  </th>
                </tr>
              </thead>
              <tbody>
                {apiKeys.map((key) => (
                  <tr key={key.sid}>
                    <th scope="row">{key.name ?? <span class="muted">unnamed</span>}</th>
                    <td class="breakable">
                      <code>{key.sid}</code>
                    </td>
                    <td class="wide-only">{key.scopes.join(', ')}</td>
                    <td class="wide-only number">
                      <When at={key.createdAt} />
                    </td>
                    <td class="wide-only number">
                      {key.lastUsedAt === null ? 'never' : <When at={key.lastUsedAt} />}
                    </td>
                    <td class="number">
                      <State of={key} onRevoke={() => setRevoking(key)} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Shown>
      {isMaking && (
        <NewKey
          onClose={() => {
            setMaking(false);
            loaded.reload();
          }}
        />
      )}
      {revoking !== null && (
        <Confirm
          title="Revoke this key?"
          word="Revoke"
          action={async () => {
            await client.apiKeys.revoke(revoking.sid);
            loaded.reload();
          }}
          onClose={() => setRevoking(null)}
        >
          <p>
            Programs that use <b>{revoking.name ?? revoking.sid}</b> lose access within five
            seconds. This cannot be undone.
          </p>
        </Confirm>
      )}
    </>
  );
}

function State({ of: key, onRevoke }: { readonly of: ApiKey; readonly onRevoke: () => void }) {
  const { revokedAt, expiresAt } = key;
  if (revokedAt !== null)
    return (
      <span class="muted">
        revoked <When at={revokedAt} />
      </span>
    );
  if (expiresAt !== null && expiresAt.getTime() <= Date.now())
    return (
      <span class="muted">
        expired <When at={expiresAt} />
      </span>
    );
  return (
    <>
      {expiresAt !== null && (
        <span class="muted">
          expires <When at={expiresAt} />{' '}
        </span>
      )}
      <button
        type="button"
        class="as-link"
        aria-label={`Revoke ${key.name ?? key.sid}`}
        onClick={onRevoke}
      >
        Revoke
      </button>
    </>
  );
}

type Scope = ApiKey['scopes'][number];

/** The description of each permission. */
const SCOPES: readonly (readonly [Scope, string])[] = [
  ['send', 'Send, cancel, pause and resume'],
  ['read', 'Read, search and stream'],
  ['manage', 'Manage senders, suppressions and subscriptions; erase data'],
];

function ScopeFields(props: {
  readonly value: readonly Scope[];
  readonly onChange: (scopes: Scope[]) => void;
}) {
  const toggle = (scope: Scope) =>
    SCOPES.map(([each]) => each).filter((each) => props.value.includes(each) !== (each === scope));
  return (
    <fieldset class="members">
      <legend>Permissions</legend>
      {SCOPES.map(([scope, words]) => (
        <label key={scope} class="check-field">
          <input
            type="checkbox"
            checked={props.value.includes(scope)}
            onChange={() => props.onChange(toggle(scope))}
          />
          {words}
        </label>
      ))}
    </fieldset>
  );
}

function NewKey({ onClose }: { readonly onClose: () => void }) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<Scope[]>(SCOPES.map(([each]) => each));
  const [ends, setEnds] = useState('');
  const [made, setMade] = useState<ApiKeyWithSecret | null>(null);
  const action = useAction();
  const make = () =>
    action.run(async () => {
      const request = {
        scopes,
        ...(name.trim() === '' ? {} : { name: name.trim() }),
        ...(ends === '' ? {} : { expiresAt: new Date(ends) }),
      };
      setMade(await client.apiKeys.create(request));
    });
  return (
    <Dialog title="New API key" onClose={onClose}>
      <div class="dialog-text">
        {made === null ? (
          <>
            <Field label="Name (optional)" hint="For example, of the program that uses it.">
              {(ids) => (
                <input
                  {...ids}
                  maxLength={256}
                  value={name}
                  onInput={(event) => setName(event.currentTarget.value)}
                />
              )}
            </Field>
            <ScopeFields value={scopes} onChange={setScopes} />
            <Field label="Expires (optional)" hint="In the time zone of this computer.">
              {(ids) => (
                <input
                  {...ids}
                  type="datetime-local"
                  value={ends}
                  onInput={(event) => setEnds(event.currentTarget.value)}
                />
              )}
            </Field>
          </>
        ) : (
          <>
            <Notice tone="good">Copy the secret now. It is not shown again.</Notice>
            <p>
              SID
              <br />
              <Copyable text={made.sid} what="the SID" />
            </p>
            <p>
              Secret
              <br />
              <Copyable text={made.secret} what="the secret" />
            </p>
          </>
        )}
        {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
      </div>
      <div class="dialog-actions">
        <Button onClick={onClose}>{made === null ? 'Not now' : 'Close'}</Button>
        {made === null && (
          <Button tone="main" isBusy={action.isBusy} onClick={() => void make()}>
            Create
          </Button>
        )}
      </div>
    </Dialog>
  );
}

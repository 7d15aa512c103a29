/** The sign-in page, for the account's SID and token or an API key. */
import { useEffect, useState } from 'preact/hooks';
import { signIn } from '../api.ts';
import { Button, Field, Notice } from '../ui/parts.tsx';

export function SignIn() {
  const [sid, setSid] = useState('');
  const [secret, setSecret] = useState('');
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    document.title = 'Sign in · Fanfare';
  }, []);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    const wrong = await signIn(sid.trim(), secret.trim());
    setBusy(false);
    setError(wrong);
  }

  return (
    <main class="sign-in">
      <div class="sign-in-box">
        <p class="wordmark">Fanfare</p>
        <h1>Sign in</h1>
        <p class="muted">
          Use the account SID and auth token that the server showed at its first start, or an API
          key.
        </p>
        <form onSubmit={submit}>
          <Field label="Account SID or API key SID">
            {(ids) => (
              <input
                {...ids}
                class="mono"
                name="username"
                autocomplete="username"
                spellcheck={false}
                autocapitalize="none"
                required
                placeholder="AC… or SK…"
                value={sid}
                onInput={(event) => setSid(event.currentTarget.value)}
              />
            )}
          </Field>
          <Field label="Auth token or secret">
            {(ids) => (
              <input
                {...ids}
                class="mono"
                type="password"
                name="password"
                autocomplete="current-password"
                required
                value={secret}
                onInput={(event) => setSecret(event.currentTarget.value)}
              />
            )}
          </Field>
          {error !== null && <Notice tone="bad">{error}</Notice>}
          <Button type="submit" tone="main" isBusy={isBusy}>
            {isBusy ? 'Signing in…' : 'Sign in'}
          </Button>
        </form>
        <p class="muted small">
          A session lasts 12 hours, in this browser only. If you lose the token, create a new one on
          the server: <code>fanfare accounts reset-token</code>.
        </p>
      </div>
    </main>
  );
}

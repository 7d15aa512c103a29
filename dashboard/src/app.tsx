/** The frame around all pages: sign-in, navigation, the current page. Each page's code is loaded when the page is first opened. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { fetchSession, session, signOut, UNREACHABLE } from './api.ts';
import { connection, isSignedOut } from './connection.ts';
import { formatTime } from './format.ts';
import { linkTo, place } from './router.ts';
import { SignIn } from './pages/sign-in.tsx';
import { Button, Empty, Loading, Notice, PageHead } from './ui/parts.tsx';
import { Icon } from './ui/icon.tsx';

type Page = ComponentType<{ readonly id: string; readonly sub: string }>;

const PAGES: Readonly<Record<string, () => Promise<Page>>> = {
  operations: async () => (await import('./pages/operations.tsx')).Operations,
  operation: async () => (await import('./pages/operation.tsx')).OperationPage,
  message: async () => (await import('./pages/message.tsx')).MessagePage,
  compose: async () => (await import('./pages/compose.tsx')).Compose,
  senders: async () => (await import('./pages/senders.tsx')).Senders,
  suppressions: async () => (await import('./pages/suppressions.tsx')).Suppressions,
  subscriptions: async () => (await import('./pages/subscriptions.tsx')).Subscriptions,
  subscription: async () => (await import('./pages/subscription.tsx')).SubscriptionPage,
  keys: async () => (await import('./pages/api-keys.tsx')).ApiKeysPage,
  carriers: async () => (await import('./pages/carriers.tsx')).Carriers,
  system: async () => (await import('./pages/system.tsx')).SystemPage,
};

/** Pages that belong to another one in the navigation. */
const PARENTS: Readonly<Record<string, string>> = {
  operation: 'operations',
  message: 'operations',
  subscription: 'subscriptions',
};

const LINKS: readonly (readonly (readonly [name: string, words: string])[])[] = [
  [
    ['operations', 'Operations'],
    ['compose', 'Compose'],
  ],
  [
    ['senders', 'Senders and pools'],
    ['suppressions', 'Suppressions'],
    ['subscriptions', 'Subscriptions'],
    ['keys', 'API keys'],
  ],
  [
    ['carriers', 'Carriers'],
    ['system', 'System'],
  ],
];

export function App() {
  const [error, setError] = useState<string | null>(null);
  const who = session.value;
  const begin = () => {
    setError(null);
    fetchSession().catch(() => setError(UNREACHABLE));
  };
  useEffect(begin, []);
  useEffect(() => {
    if (isSignedOut.value && session.value) session.value = null;
  }, [isSignedOut.value]);

  if (who === undefined)
    return error === null ? (
      <p class="boot">Loading…</p>
    ) : (
      <main class="alone">
        <Notice tone="bad">
          <p>{error}</p>
          <Button onClick={begin}>Try again</Button>
        </Notice>
      </main>
    );
  return who === null ? <SignIn /> : <Frame accountSid={who.accountSid} />;
}

function Frame({ accountSid }: { readonly accountSid: string }) {
  const [isOpen, setOpen] = useState(false);
  const { path } = place.value;
  const name = path[0] ?? 'operations';
  useEffect(() => setOpen(false), [place.value]);
  const current = (Object.hasOwn(PARENTS, name) ? PARENTS[name] : undefined) ?? name;
  return (
    <div class="frame">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        Skip to the page
      </a>
      <aside class="side">
        <div class="brand">
          <a href={linkTo(['operations'])} class="wordmark">
            Fanfare
          </a>
          <button
            type="button"
            class="icon-button menu"
            aria-expanded={isOpen}
            aria-controls="nav"
            aria-label="Menu"
            onClick={() => setOpen(!isOpen)}
          >
            <Icon name={isOpen ? 'close' : 'menu'} />
          </button>
        </div>
        <div id="nav" class={isOpen ? 'nav open' : 'nav'}>
          <nav aria-label="Pages of the dashboard">
            {LINKS.map((group) => (
              <ul key={group[0]?.[0]}>
                {group.map(([to, words]) => (
                  <li key={to}>
                    <a href={linkTo([to])} aria-current={current === to ? 'page' : undefined}>
                      {words}
                    </a>
                  </li>
                ))}
              </ul>
            ))}
          </nav>
          <div class="who">
            <p title={accountSid}>
              <span class="muted">Account</span>
              <code>{`${accountSid.slice(0, 6)}…${accountSid.slice(-4)}`}</code>
            </p>
            <p class="links">
              <a href="./docs">API reference</a>
              <button type="button" class="as-link" onClick={() => void signOut()}>
                Sign out
              </button>
            </p>
          </div>
        </div>
      </aside>
      <div class="content">
        <ConnectionStrip />
        <main id="main" tabIndex={-1}>
          <PageOf name={name} id={path[1] ?? ''} sub={path[2] ?? ''} />
        </main>
      </div>
    </div>
  );
}

/** Warns on every page when the server does not respond. */
function ConnectionStrip() {
  const { isUp, heardAt } = connection.value;
  return (
    <div role="status" class="strip-place">
      {!isUp && (
        <p class="strip">
          <Icon name="alert" />
          {navigator.onLine ? 'The server does not respond.' : 'You are offline.'} Reconnecting…
          {heardAt !== null && ` Numbers are from ${formatTime(heardAt)}.`}
        </p>
      )}
    </div>
  );
}

/** The page of a typed address, if there is one. Pages about one thing need its ID; dots would leave the API's path. */
function findPage(name: string, id: string): (typeof PAGES)[string] | undefined {
  const isOfOne = Object.hasOwn(PARENTS, name);
  return Object.hasOwn(PAGES, name) && !(isOfOne && ['', '.', '..'].includes(id))
    ? PAGES[name]
    : undefined;
}

const loaded = new Map<string, Page>();

function PageOf({ name, id, sub }: { readonly name: string; readonly id: string; sub: string }) {
  const [, setTurn] = useState(0);
  const [error, setError] = useState(false);
  const load = findPage(name, id);
  useEffect(() => {
    setError(false);
    if (load === undefined || loaded.has(name)) return;
    load().then(
      (page) => {
        loaded.set(name, page);
        setTurn((turn) => turn + 1);
      },
      (reason: unknown) => {
        console.error(reason);
        setError(true);
      },
    );
  }, [name]);
  const Found = load && loaded.get(name);
  // "Send again" starts a new draft.
  const again = place.value.query.get('again') ?? '';
  if (Found !== undefined) return <Found key={`${name}/${id}/${again}`} id={id} sub={sub} />;
  if (error)
    return (
      <Notice tone="bad">
        <p>This page could not be loaded. The server does not respond, or it was updated.</p>
        <Button onClick={() => location.reload()}>Reload the page</Button>
      </Notice>
    );
  if (load !== undefined) return <Loading />;
  return (
    <>
      <PageHead title="Page not found" />
      <Empty title="There is no page at this address.">
        <a href={linkTo(['operations'])}>Go to operations</a>
      </Empty>
    </>
  );
}

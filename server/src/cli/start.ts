/** `fanfare start`: a server until a signal stops it, with the first steps for a new user. */
import { startApp, type App } from '../app.ts';
import type { Config } from '../config/config.ts';
import { createLogger } from '../lib/log.ts';
import { note, print } from './output.ts';

/** npm and the terminal both pass Ctrl-C on; only a second one after this long means "at once". */
const SECOND_SIGNAL_MS = 1_000;

/** As it was started: by npm, the command is not on the path. */
const COMMAND = process.env['npm_execpath'] === undefined ? 'fanfare' : 'npx fanfare';

/** Time to write carriers' answers and to stop PostgreSQL, after the drain. */
const STOP_MARGIN_MS = 20_000;

export async function runStart(config: Config): Promise<void> {
  const log = createLogger(config.logLevel);
  const app = await startApp(config, log);
  let stoppingSince: number | null = null;
  const onSignal = (signal: NodeJS.Signals) => {
    if (stoppingSince !== null) {
      if (performance.now() - stoppingSince < SECOND_SIGNAL_MS) return;
      note('Stopping immediately. The next start recovers work in progress.');
      process.exit(130);
    }
    stoppingSince = performance.now();
    note(
      `${signal}: stopping after work in progress finishes. Repeat the signal to stop immediately.`,
    );
    setTimeout(
      () => {
        note('Stopping took too long. The next start recovers work in progress.');
        process.exit(1);
      },
      config.shutdownDelayMs + config.drainTimeoutMs + STOP_MARGIN_MS,
    ).unref();
    app.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'The stop failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // A reader of this line may stop the server at once.
  print(config.roles.includes('api') ? describe(app, config) : describeHelper(app, config));
}

/** Of a node that answers no requests. */
function describeHelper({ url }: App, { roles }: Config): string {
  return `
Fanfare is ready at ${url}

  Roles        ${roles.join(', ')}
  Endpoints    /healthz, /readyz and /metrics

Ctrl-C stops it.`;
}

function describe({ url, account }: App, { dashboard, roles }: Config): string {
  const token = (account.isNew && account.token) || '<auth token>';
  const shownToken = account.isNew
    ? `${token}  (shown only once: save it)`
    : account.token === null
      ? `(shown at the first start; create a new one with "${COMMAND} accounts reset-token ${account.sid}")`
      : '(from FANFARE_AUTH_TOKEN)';
  return `
Fanfare is ready at ${url}

  Account SID  ${account.sid}
  Auth token   ${shownToken}
${roles.includes('dispatch') ? '' : '  Roles        this node sends nothing because it does not have the role "dispatch"\n'}${dashboard.enabled ? `  Dashboard    ${url}/\n` : ''}  Base URL     ${url}/v1
  API pages    ${url}/docs

Send a first message, which the simulator delivers, from this folder:

  ${COMMAND} send +15005550123 --text 'Hello!' --watch

or from any folder:

  curl -u '${account.sid}:${token}' ${url}/v1/Messages \\
    -H 'Content-Type: application/json' \\
    -d '{"to":[{"address":"+15005550123","channel":"PHONE","variables":{"name":"Ada"}}],"content":{"text":"Hello, {{ name }}!"}}'

Ctrl-C stops it.`;
}

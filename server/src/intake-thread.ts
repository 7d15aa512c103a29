/**
 * The thread that takes send requests in, from the bytes of the body to the operation in the database. The composition
 * root of intake: `app.ts` starts it.
 */
import type { Config } from './config/config.ts';
import { createSendReader, type SendAnswer, type SendQuestion } from './http/send.ts';
import { createSubmitter } from './intake/submit.ts';
import { serveThread } from './lib/thread.ts';
import { openStore } from './store/store.ts';

export interface IntakeThreadData {
  readonly databaseUrl: string;
  readonly config: Config;
}

export type IntakeThreadApi = {
  readonly send: (question: SendQuestion) => Promise<SendAnswer>;
  readonly stop: () => Promise<void>;
};

/** Requests written at once; more wait for their turn. */
const CONNECTIONS_MAX = 4;

await serveThread<IntakeThreadData, IntakeThreadApi>(async ({ databaseUrl, config }) => {
  const store = await openStore({
    url: databaseUrl,
    connectionsMax: CONNECTIONS_MAX,
    name: 'fanfare-intake',
  });
  const { requireVariables, emails, publicUrl } = config;
  const now = () => new Date();
  const submitter = createSubmitter({ store, requireVariables, now });
  return {
    send: createSendReader(submitter, { ...emails, hasLinks: publicUrl !== null }),
    stop: () => store.close(),
  };
});

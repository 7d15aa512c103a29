/**
 * The composition root of the intake threads, which handle send requests from the bytes of the
 * body to the operation in the database. `app.ts` starts it.
 */
import type { Config } from './config/config.ts';
import { createCarriageFinder } from './config/carriage.ts';
import { groupBySmsc } from './config/receipt-groups.ts';
import { createAddressGuard } from './net/address-guard.ts';
import { createSendReader, type SendAnswer, type SendQuestion } from './intake/send.ts';
import { createReports, type Reported } from './intake/reports.ts';
import { renderWords, type Words } from './intake/render.ts';
import { createStreamedSends, type StreamedSends } from './intake/streamed-sends.ts';
import { createSubmitter } from './intake/submit.ts';
import type { OperationContent } from './domain/content.ts';
import { createShares, type Work } from './lib/fair-share.ts';
import { createLogger } from './lib/log.ts';
import { serveThread } from './lib/thread.ts';
import { openStore, waitForDatabase } from './store/store.ts';

export interface IntakeThreadData {
  readonly databaseUrl: string;
  readonly config: Config;
}

export type IntakeThreadApi = StreamedSends & {
  readonly send: (question: SendQuestion) => Promise<SendAnswer>;
  /** The words of one message. */
  readonly render: (accountId: number, words: Words) => Promise<OperationContent>;
  /** As the dispatch thread's, for nodes that have none. */
  readonly report: (carrier: string, reported: Reported) => Promise<boolean>;
  readonly stop: () => Promise<void>;
};

/** Large requests read or written at once; more wait. Groups of small ones have connections beside them. */
const PLACES_MAX = 4;
const GROUP_CONNECTIONS = 2;

void serveThread<IntakeThreadData, IntakeThreadApi>(async ({ databaseUrl, config }) => {
  const log = createLogger(config.logLevel);
  const options = {
    url: databaseUrl,
    connectionsMax: PLACES_MAX + GROUP_CONNECTIONS,
    name: 'fanfare-intake',
  };
  const store = await waitForDatabase(config.databaseWaitMs, log, () => openStore(options));
  const { requireVariables, emails, publicUrl } = config;
  const now = () => new Date();
  const reports = createReports({
    ...config,
    store,
    log,
    // Other nodes send, so receipts without a settled outcome are parked.
    outcomesWritten: () => Promise.resolve(),
    onApplied: () => undefined,
    carriersOf: groupBySmsc(config.carriers),
    onRefused: () => undefined,
  });
  const shares = createShares(PLACES_MAX);
  const sends = {
    store,
    shares,
    requireVariables,
    now,
    findTargetProblem: createAddressGuard(config.events.allowTargets).findTargetProblem,
    findCarriage: createCarriageFinder(config.carriers),
  };
  const { requestBytesMax, recipientsMax } = config.limits;
  const headBytesMax = {
    MESSAGES: requestBytesMax,
    EMAILS: Math.min(requestBytesMax, emails.requestBytesMax),
  };
  const emailOptions = { ...emails, hasLinks: publicUrl !== null };
  return {
    send: createSendReader(createSubmitter(sends), shares, emailOptions),
    ...createStreamedSends(emailOptions, headBytesMax, {
      ...sends,
      recipientsMax,
    }),
    render: (accountId, words) => shares.run(accountId, render(words)),
    report: reports.take,
    async stop() {
      await reports.receipts.drain();
      await store.close();
    },
  };
});

function* render(words: Words): Work<OperationContent> {
  yield;
  return renderWords(words);
}

/** A connection of its own that is held for as long as a node runs: for what a session keeps, such as locks and listening. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { answeredIn, type Database } from './database.ts';

/** Time for the answer to a proof, and for the last answer at the end. */
const ANSWER_TIMEOUT_MS = 5_000;

export interface HeldConnectionOptions {
  /** Statements that the session begins with. A rejection ends the connection. */
  readonly begin: (client: Client) => Promise<unknown>;
  /** Statement that is sent again and again: the silence of a connection proves nothing. */
  readonly proof: string;
  /** Milliseconds between two proofs. */
  readonly proofMs: number;
  /** Is called once when the connection breaks or falls silent. It is not called after the end. */
  readonly lost: (error: Error) => void;
}

/**
 * Opens a connection and holds it. Resolves after `begin`, with a function that ends it; `farewell` may send last
 * statements. The end takes 5 seconds at most.
 */
export async function holdConnection(
  database: Database,
  options: HeldConnectionOptions,
): Promise<(farewell?: (client: Client) => Promise<unknown>) => Promise<void>> {
  const client = await database.connect();
  let proof: NodeJS.Timeout | undefined;
  let isOver = false;
  const end = async (farewell?: (client: Client) => Promise<unknown>) => {
    isOver = true;
    clearInterval(proof);
    const leave = async () => {
      await farewell?.(client).catch(() => undefined);
      await client.end().catch(() => undefined);
    };
    // A peer that is gone does not answer: waiting for it would delay the stop.
    await Promise.race([leave(), sleep(ANSWER_TIMEOUT_MS, undefined, { ref: false })]);
  };
  const lose = (error: Error) => {
    if (isOver) return;
    void end();
    options.lost(error);
  };
  client.on('error', lose);
  try {
    await options.begin(client);
  } catch (error) {
    await end();
    throw error;
  }
  const prove = () => void client.query(answeredIn(ANSWER_TIMEOUT_MS, options.proof)).catch(lose);
  proof = setInterval(prove, options.proofMs);
  return end;
}

/** Examples for `/openapi.json`, by the operationId. A test sends the requests, and checks the answers. */
import { EMAIL_EXAMPLES } from './emails-examples.ts';
import { MESSAGE_EXAMPLES } from './messages-examples.ts';
import { ACCOUNT_EXAMPLES } from './account-examples.ts';
import { SENDER_EXAMPLES } from './senders-examples.ts';
import type { OperationExamples } from './example-parts.ts';

export const EXAMPLES: Readonly<Record<string, OperationExamples>> = {
  ...MESSAGE_EXAMPLES,
  ...EMAIL_EXAMPLES,
  ...SENDER_EXAMPLES,
  ...ACCOUNT_EXAMPLES,
};

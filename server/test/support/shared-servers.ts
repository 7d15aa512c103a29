/** Servers that tests of a file shared end with it. */
import { afterAll } from 'vitest';
import { stopSharedServers } from './fanfare.ts';

afterAll(stopSharedServers);

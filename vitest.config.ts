import { defineConfig } from 'vitest/config';

/** Projects can be run alone: `npm test -- --project unit`. */
const project = (name: string, include: readonly string[], rest: object = {}) => ({
  extends: true as const,
  test: { name, include: [...include], ...rest },
});

/** Files share processes, which saves loading the same modules for each. */
const WITH_SERVERS = {
  isolate: false,
  setupFiles: ['server/test/support/shared-servers.ts'],
};

export default defineConfig({
  test: {
    projects: [
      // Functions, and parts that need no database.
      project('unit', ['server/test/unit/**/*.test.ts'], { isolate: false }),
      // Sinks to message brokers.
      project('brokers', ['server/test/brokers/**/*.test.ts']),
      // The program, on a real database. What a file has started ends with it, so that files can share a process.
      project('server', ['server/test/*.test.ts', 'client/test/**/*.test.ts'], WITH_SERVERS),
      // The dashboard in a real browser.
      project('browser', ['dashboard/test/**/*.test.ts'], WITH_SERVERS),
    ],
    tags: [
      { name: 'property', description: 'Tried with few values, and with many in the long form.' },
    ],
    globalSetup: ['server/test/support/engine.ts'],
    setupFiles: ['server/test/support/assertions.ts'],
    reporters: ['default', './server/test/support/summary.ts'],
    // Most files wait for servers more than they compute: more of them than cores.
    maxWorkers: 4,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

import { defineConfig } from 'vitest/config';

/** Projects can be run alone: `npm test -- --project unit`. */
const project = (name: string, include: readonly string[], rest: object = {}) => ({
  extends: true as const,
  test: { name, include: [...include], ...rest },
});

export default defineConfig({
  test: {
    projects: [
      // Functions, and parts that need no database.
      project('unit', ['server/test/unit/**/*.test.ts'], { isolate: false }),
      // Sinks to message brokers.
      project('brokers', ['server/test/brokers/**/*.test.ts']),
      // The program, on a real database.
      project('server', ['server/test/*.test.ts', 'client/test/**/*.test.ts']),
      // The dashboard in a real browser.
      project('browser', ['dashboard/test/**/*.test.ts']),
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

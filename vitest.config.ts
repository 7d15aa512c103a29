import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'client/test/**/*.test.ts',
      'dashboard/test/**/*.test.ts',
      'server/test/**/*.test.ts',
    ],
    globalSetup: ['server/test/support/engine.ts'],
    reporters: ['default', './server/test/support/summary.ts'],
    // Most files start whole servers on a real database; two cores serve two of them well.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

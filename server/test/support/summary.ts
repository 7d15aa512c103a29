/**
 * The end of a test run, for people and programs: a visible list of skipped tests, and the numbers of passed and failed
 * ones. If `CI` is set, a skipped test is a failure, because CI has everything that tests need.
 */
import type { Reporter, TestModule, Vitest } from 'vitest/node';

export default class Summary implements Reporter {
  #isFiltered = false;

  onInit(vitest: Vitest): void {
    const { testNamePattern, tagsFilter } = vitest.config;
    this.#isFiltered = testNamePattern !== undefined || tagsFilter !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = 0;
    let failed = errors.length;
    const skipped = new Map<string, number>();
    for (const module of modules) {
      failed += module.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        if (state === 'failed') failed += 1;
        if (state === 'skipped' && !this.#isFiltered)
          skipped.set(module.relativeModuleId, (skipped.get(module.relativeModuleId) ?? 0) + 1);
      }
    }
    const count = [...skipped.values()].reduce((sum, each) => sum + each, 0);
    // Behind whatever other reporters still print.
    process.on('exit', () => {
      if (count > 0) {
        const files = [...skipped].map(([file, tests]) => `  ${file}: ${tests}`);
        process.stdout.write(
          `\n${'!'.repeat(80)}\nSKIPPED: ${count} tests did not run, since what they need is not installed:\n${files.join('\n')}\nchromium, nats-server, nginx and postgresql from Debian's packages are what they may lack.\n${'!'.repeat(80)}\n`,
        );
        if (process.env['CI']) process.exitCode ||= 1;
      }
      process.stdout.write(`${passed} passed, ${failed} failed, ${count} skipped\n`);
    });
  }
}

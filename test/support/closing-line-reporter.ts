import type { Reporter, SerializedError, TestModule } from "vitest/node";

/**
 * Ends the output with one line, human-readable and machine-readable: `12 passed, 0 failed`, and `, 1 skipped`
 * when there are any. What breaks outside of a test (a file that does not load, an uncaught
 * error) counts as failed.
 */
export function createClosingLineReporter(): Reporter {
  return {
    onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]) {
      const count = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 };
      for (const module of modules) {
        count.failed += module.errors().length;
        for (const suite of module.children.allSuites()) count.failed += suite.errors().length;
        for (const test of module.children.allTests()) count[test.result().state] += 1;
      }
      const skipped = count.skipped + count.pending;
      const line = `${count.passed} passed, ${count.failed} failed`;
      process.stdout.write(`${line}${skipped ? `, ${skipped} skipped` : ""}\n`);
    },
  };
}

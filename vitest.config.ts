import { defineConfig } from "vitest/config";
import { createClosingLineReporter } from "./test/support/closing-line-reporter.ts";
import { workerModules } from "./test/support/worker-modules.ts";

export default defineConfig({
  plugins: [workerModules],
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    reporters: ["default", createClosingLineReporter()],
    // A file may start a workerd of its own, which wants a core as well.
    maxWorkers: 2,
    // Starting workerd takes seconds on a busy machine; a limit is only there to end a hang.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});

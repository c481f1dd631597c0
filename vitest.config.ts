import { defineConfig } from "vitest/config";
import { projectPath } from "./scripts/project.ts";
import { createClosingLineReporter } from "./test/support/closing-line-reporter.ts";
import { workerModules } from "./test/support/worker-modules.ts";

/** Builds the Workers that the tests start, once for all files. */
const WORKER_BUILDS = "test/support/global-setup.ts";

/** They read objects of Miniflare in this process, whose bodies were seen empty after other files had run in it. */
const READ_IN_NODE = "test/workerd/cli/seed-*.test.ts";

export default defineConfig({
  plugins: [workerModules],
  test: {
    reporters: ["default", createClosingLineReporter()],
    // On two cores. A file and the workerd that it starts take turns, so a third file uses what the others leave.
    maxWorkers: 3,
    // Files share a process and what it has imported; each cleans up after itself.
    isolate: false,
    setupFiles: ["test/support/restore-globals.ts"],
    // Scripts, npm and wrangler, which tests start many times, compile their modules once.
    env: { NODE_COMPILE_CACHE: projectPath("node_modules", ".cache", "onnxflare-tests") },
    // Starting workerd takes seconds on a busy machine; a limit is only there to end a hang.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      {
        extends: true,
        test: {
          name: "workerd",
          include: ["test/workerd/**/*.test.ts"],
          exclude: [READ_IN_NODE],
          globalSetup: WORKER_BUILDS,
        },
      },
      {
        extends: true,
        test: {
          name: "alone",
          include: [READ_IN_NODE],
          globalSetup: WORKER_BUILDS,
          isolate: true,
        },
      },
      {
        extends: true,
        test: { name: "soak", include: ["test/soak/**/*.test.ts"], globalSetup: WORKER_BUILDS },
      },
    ],
  },
});

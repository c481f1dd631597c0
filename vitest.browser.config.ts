import { defineConfig } from "vitest/config";
import { workerModules } from "./test/support/worker-modules.ts";

/** Tests of the dashboard, which need a browser: `npm run test:browser`. */
export default defineConfig({
  plugins: [workerModules],
  test: {
    include: ["test/browser/**/*.test.ts"],
    // A limit is only there to end a hang.
    testTimeout: 40_000,
    hookTimeout: 120_000,
  },
});

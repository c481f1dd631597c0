import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { UserConfig } from "vite";

/**
 * The files have the paths under which the Worker serves them: `dashboard.html` at `/dashboard`, and what it loads below. References are relative,
 * because the service may be mounted under a prefix.
 */
export default {
  configFile: false,
  root: dirname(fileURLToPath(import.meta.url)),
  base: "./",
  build: {
    target: "es2022",
    assetsDir: "dashboard",
    // A data URL would need more of the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: "dashboard/licenses.txt" },
    rollupOptions: { input: "dashboard.html" },
  },
  // Whatever NODE_ENV says: builds are the same everywhere, and without paths of the machine.
  mode: "production",
  oxc: { jsx: { runtime: "automatic", importSource: "preact", development: false } },
} satisfies UserConfig & { configFile: false };

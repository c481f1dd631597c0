import { runProgram } from "../packages/cli/src/local/run-program.ts";
import { exitWith } from "../packages/cli/src/local/user-error.ts";
import { exitOnSignal } from "./exit-on-signal.ts";
import { findChromium } from "./find-chromium.ts";
import { projectPath } from "./project.ts";

/**
 * `npm run test:browser [-- Vitest arguments]`: drives the dashboard of the built Worker, and charts of explanations, in headless Chromium.
 *
 * CHROMIUM      the browser (default: an installed one; as root on Debian it is installed)
 * SCREENSHOTS   a folder for pictures of the pages, such as docs/images
 */
exitOnSignal();

await testBrowser().catch(exitWith);

async function testBrowser(): Promise<void> {
  const chromium = findChromium((line) => console.error(`onnxflare: ${line}`));
  const { code } = await runProgram(
    process.execPath,
    [
      projectPath("node_modules", "vitest", "vitest.mjs"),
      "run",
      "--config",
      projectPath("vitest.browser.config.ts"),
      ...process.argv.slice(2),
    ],
    { cwd: projectPath(), stdio: "inherit", env: { ...process.env, CHROMIUM: chromium } },
  );
  process.exitCode = code;
}

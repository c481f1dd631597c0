import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { type StartProcess, spawnStart } from "../support/start-process.ts";

/** docs/lifecycle.md: its commands as written, one after the other, in a project that its first ones make. */

interface Block {
  readonly script: string;
  /** What the page says that it prints, on both streams. */
  readonly output: string | undefined;
}

const page = readFileSync(projectPath("docs", "lifecycle.md"), "utf8");
const fences = [...page.matchAll(/```(\w+)\n(.*?)```(?=\n)/gs)].map(([, language, text = ""]) => ({
  language,
  text,
}));
const blocks = fences.flatMap(({ language, text }, index): Block[] => {
  const next = fences[index + 1];
  if (language !== "sh") return [];
  return [{ script: text, output: next?.language === "text" ? next.text : undefined }];
});
const START = "npm start\n";
/** The first commands install wrangler and workerd. */
const INSTALL_TIMEOUT_MS = 300_000;

let root: string;
/** Where the next command runs: `cd` counts for those after it. */
let folder: string;
let environment: Record<string, string>;
let server: StartProcess | undefined;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "onnxflare-page-"));
  folder = root;
  // Outside of a project, npx would download the package.
  mkdirSync(join(root, "node_modules", ".bin"), { recursive: true });
  symlinkSync(projectPath("packages", "cli"), join(root, "node_modules", "onnxflare"));
  symlinkSync("../onnxflare/bin/onnxflare.mjs", join(root, "node_modules", ".bin", "onnxflare"));
  const port = await freePort();
  environment = {
    PORT: String(port),
    ONNXFLARE_URL: `http://127.0.0.1:${port}`,
    npm_config_prefer_offline: "true",
    npm_config_audit: "false",
    npm_config_fund: "false",
  };
});

afterAll(async () => {
  await server?.stop();
  rmSync(root, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

test("the page has commands", () => {
  expect(blocks.filter(({ script }) => script.includes("npx onnxflare")).length).toBeGreaterThan(8);
  expect(blocks.some(({ script }) => script === START)).toBe(true);
});

test.each(blocks)(
  "the page's commands work: $script",
  { timeout: INSTALL_TIMEOUT_MS },
  async ({ script, output }) => {
    if (script === START) {
      server = spawnStart(environment, "npm start", folder);
      await server.line(/ serves \d+ models on /);
      return;
    }
    const shell = spawnSync("sh", ["-e", "-c", `exec 2>&1\n${script}\npwd >&3`], {
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "inherit", "pipe"],
      encoding: "utf8",
    });
    const [, printed = "", , place = ""] = shell.output as (string | null)[] as string[];
    expect(shell.status, printed).toBe(0);
    if (output !== undefined) expect(mask(printed)).toBe(mask(output));
    folder = place.trim();
  },
);

/** What differs from run to run. */
function mask(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/\d+(?:\.\d+)? s\b/g, "N s")
    .replaceAll(/(?:\S+ \()?key:[0-9a-f]{8}\)?/g, "WHO")
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, "URL")
    .replaceAll(/ {2,}/g, "  ")
    .replaceAll(/ +$/gm, "");
}

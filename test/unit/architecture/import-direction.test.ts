import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";

/**
 * Biome ignores a rule that it can't apply without a word, so what the lint rules are there for is
 * tried: files that break them, in a project of their own with this project's biome.json.
 */
const IMPORTS: Record<string, { allowed: string[]; refused: string[] }> = {
  "src/shared/a.ts": {
    allowed: ["./b.ts"],
    refused: ["../domain/b.ts", "zod", "hono", "node:fs"],
  },
  "src/domain/a.ts": {
    allowed: ["./b.ts", "./blocks/b.ts", "../shared/b.ts", "zod"],
    refused: ["../tasks/b.ts", "../app.ts", "hono", "onnxruntime-web", "node:fs"],
  },
  "src/domain/blocks/a.ts": {
    allowed: ["./b.ts", "../b.ts", "../../shared/b.ts", "zod"],
    refused: ["../../tasks/b.ts", "../../runtime/b.ts", "hono"],
  },
  "src/domain/blocks/preprocess/a.ts": {
    allowed: ["./b.ts", "../b.ts", "../../b.ts", "../../../shared/b.ts", "zod"],
    refused: ["../../../tasks/b.ts", "../../../runtime/b.ts", "hono"],
  },
  "packages/client/src/a.ts": {
    allowed: ["./b.ts", "../../../src/domain/b.ts", "../../../src/shared/b.ts"],
    refused: [
      "../../../src/protocols/oip/b.ts",
      "../../../src/inference/b.ts",
      "../../../src/app.ts",
      "../../cli/src/b.ts",
      "zod",
      "hono",
      "node:fs",
    ],
  },
  "packages/ui/src/a.ts": {
    allowed: ["./b.ts", "./pages/b.tsx", "../../../src/domain/b.ts", "preact/hooks", "uplot"],
    refused: ["../../../src/protocols/b.ts", "../../cli/src/b.ts", "zod", "node:fs", "react"],
  },
  "packages/ui/src/pages/a.ts": {
    allowed: ["./b.ts", "../components/b.tsx", "../../../../src/domain/b.ts", "preact"],
    refused: ["../../../../src/app.ts", "../../../client/src/b.ts", "hono"],
  },
  "packages/cli/src/a.ts": {
    allowed: [
      "./b.ts",
      "./commands/b.ts",
      "../../../src/domain/b.ts",
      "../../../src/shared/b.ts",
      "../../client/src/retry.ts",
      "node:fs",
      "node:timers/promises",
      "commander",
      "zod",
    ],
    refused: ["../../../src/registry/b.ts", "../../client/src/client.ts", "wrangler", "hono"],
  },
  "packages/cli/src/commands/a.ts": {
    allowed: [
      "./b.ts",
      "../b.ts",
      "../server/b.ts",
      "../../../../src/domain/b.ts",
      "node:fs/promises",
      "eventsource-parser/stream",
    ],
    refused: ["../../../../src/app.ts", "../../../client/src/client.ts", "miniflare", "openai"],
  },
  "packages/cli/src/project/a.ts": {
    allowed: [
      "./b.ts",
      "../local/b.ts",
      "../cli-error.ts",
      "../../../../src/config.ts",
      "../../../../src/registry/b.ts",
      "smol-toml",
      "wrangler",
    ],
    refused: [
      "../../../../src/app.ts",
      "../../scripts/b.ts",
      "../../../client/src/b.ts",
      "esbuild",
    ],
  },
  "packages/cli/src/push/a.ts": {
    allowed: ["./b.ts", "../server/b.ts", "../../../../src/registry/b.ts", "node:fs"],
    refused: ["../../../../src/app.ts", "../../../../src/deps.ts", "hono"],
  },
  "src/runtime/a.ts": {
    allowed: ["./b.ts", "../domain/b.ts", "../shared/b.ts", "onnxruntime-web/ort.wasm.mjs"],
    refused: ["../inference/b.ts", "../storage/b.ts", "hono", "zod"],
  },
  "src/storage/a.ts": {
    allowed: ["./b.ts", "../domain/b.ts", "../shared/b.ts"],
    refused: ["../runtime/b.ts", "../cache/b.ts", "onnxruntime-web/ort.wasm.mjs"],
  },
  "src/storage/encryption/a.ts": {
    allowed: ["./b.ts", "../b.ts", "../../domain/b.ts", "../../shared/b.ts"],
    refused: ["../../registry/b.ts", "../../deps.ts", "zod"],
  },
  "src/telemetry/a.ts": {
    allowed: ["./b.ts", "../domain/b.ts", "../shared/b.ts", "cloudflare:workers"],
    refused: ["../storage/b.ts", "../http/b.ts", "../config.ts"],
  },
  "src/tasks/a.ts": {
    allowed: ["./b.ts", "./image/b.ts", "../domain/b.ts", "../shared/b.ts", "zod"],
    refused: ["../inference/b.ts", "../runtime/b.ts", "onnxruntime-web"],
  },
  "src/tasks/audio/a.ts": {
    allowed: ["./b.ts", "../b.ts", "../../domain/b.ts", "zod"],
    refused: ["../../inference/b.ts", "../../runtime/b.ts", "wavefile", "../image/b.ts"],
  },
  "src/tasks/generation/a.ts": {
    allowed: ["./b.ts", "./sampling/b.ts", "../text/b.ts", "../b.ts", "@huggingface/jinja"],
    refused: ["../../inference/b.ts", "../audio/b.ts", "@huggingface/tokenizers"],
  },
  "src/tasks/generation/sampling/a.ts": {
    allowed: ["./b.ts", "../b.ts", "../../../domain/b.ts", "../../../shared/b.ts"],
    refused: ["../../../inference/b.ts", "../../../hosts/b.ts", "../../audio/b.ts", "zod"],
  },
  "src/tasks/speech/a.ts": {
    allowed: ["./b.ts", "../audio/b.ts", "../generation/sampling/b.ts", "../text/b.ts", "zod"],
    refused: ["../../inference/b.ts", "../image/b.ts", "@huggingface/tokenizers"],
  },
  "src/tasks/image/a.ts": {
    allowed: [
      "./b.ts",
      "../b.ts",
      "../../domain/b.ts",
      "../../shared/b.ts",
      "@jsquash/png/decode.js",
    ],
    refused: ["../../inference/b.ts", "../text/b.ts", "@huggingface/tokenizers"],
  },
  "src/tasks/numeric/a.ts": {
    allowed: ["./b.ts", "../b.ts", "../../domain/b.ts", "zod"],
    refused: ["../../registry/b.ts", "../text/b.ts", "@jsquash/png/decode.js"],
  },
  "src/tasks/tabular/a.ts": {
    allowed: ["./b.ts", "../b.ts", "../../domain/b.ts", "zod"],
    refused: ["../../registry/b.ts", "wavefile", "csv-parse/sync"],
  },
  "src/tasks/text/a.ts": {
    allowed: ["./b.ts", "../b.ts", "../../domain/b.ts", "@huggingface/tokenizers"],
    refused: ["../../inference/b.ts", "../audio/b.ts", "@jsquash/png/decode.js"],
  },
  "src/http/a.ts": {
    allowed: ["./b.ts", "../domain/b.ts", "../shared/b.ts", "hono", "hono/route"],
    refused: ["../protocols/b.ts", "../inference/b.ts", "../cache/b.ts", "../telemetry/b.ts"],
  },
  "src/cache/a.ts": {
    allowed: ["./b.ts", "../domain/b.ts", "../shared/b.ts"],
    refused: ["../registry/b.ts", "../http/b.ts", "../storage/b.ts", "hono"],
  },
  "src/onnx/a.ts": {
    allowed: ["./b.ts", "../domain/b.ts", "../shared/b.ts"],
    refused: ["../registry/b.ts", "../runtime/b.ts", "../storage/b.ts", "zod", "protobufjs"],
  },
  "src/registry/a.ts": {
    allowed: ["./b.ts", "../domain/b.ts", "../tasks/b.ts", "../shared/b.ts"],
    refused: ["../inference/b.ts", "../runtime/b.ts", "../storage/b.ts", "hono"],
  },
  "src/registry/routing/a.ts": {
    allowed: ["./b.ts", "../catalog.ts", "../../domain/b.ts", "../../shared/b.ts"],
    refused: ["../../storage/b.ts", "../../inference/b.ts", "../../protocols/b.ts", "hono"],
  },
  "src/inference/a.ts": {
    allowed: ["./b.ts", "../cache/b.ts", "../registry/b.ts", "../tasks/b.ts", "../domain/b.ts"],
    refused: ["../http/b.ts", "../protocols/b.ts", "../runtime/b.ts", "../storage/b.ts", "hono"],
  },
  "src/hosts/a.ts": {
    allowed: ["./b.ts", "../cache/b.ts", "../registry/b.ts", "../tasks/b.ts", "cloudflare:workers"],
    refused: ["../inference/b.ts", "../runtime/b.ts", "../storage/b.ts", "../http/b.ts", "zod"],
  },
  "src/hosts/isolate/wire/a.ts": {
    allowed: ["./b.ts", "../../../domain/b.ts", "../../../shared/b.ts"],
    refused: ["../worker/b.ts", "../model-isolate/b.ts", "../../b.ts", "cloudflare:workers"],
  },
  "src/hosts/isolate/worker/a.ts": {
    allowed: ["./b.ts", "../wire/b.ts", "../../../cache/b.ts", "cloudflare:workers"],
    refused: ["../model-isolate/b.ts", "../../b.ts", "../../../inference/b.ts", "zod"],
  },
  "src/hosts/isolate/model-isolate/a.ts": {
    allowed: ["./b.ts", "../wire/b.ts", "../../../domain/b.ts", "../../../shared/b.ts"],
    refused: ["../worker/b.ts", "../../../cache/b.ts", "../../../runtime/b.ts", "zod"],
  },
  "src/protocols/a.ts": {
    allowed: ["./b.ts", "../http/b.ts", "../inference/b.ts", "../domain/b.ts", "hono", "zod"],
    refused: ["../runtime/b.ts", "../storage/b.ts", "../deps.ts", "../app.ts", "onnxruntime-web"],
  },
  "src/protocols/oip/a.ts": {
    allowed: ["./b.ts", "../b.ts", "../../http/b.ts", "../../registry/b.ts", "hono", "zod"],
    refused: ["../../runtime/b.ts", "../../storage/b.ts", "../../telemetry/b.ts", "../../app.ts"],
  },
  "src/protocols/admin/operations/a.ts": {
    allowed: ["./b.ts", "../b.ts", "../../json.ts", "../../../http/b.ts", "../../../registry/b.ts"],
    refused: ["../../oip/b.ts", "../../../storage/b.ts", "../../../rpc/b.ts", "../../../deps.ts"],
  },
  "src/app.ts": {
    allowed: ["./protocols/b.ts", "./http/b.ts", "./domain/b.ts", "hono"],
    refused: ["./runtime/b.ts", "./storage/b.ts", "./telemetry/b.ts", "./index.ts", "./cache/b.ts"],
  },
  "src/deps.ts": {
    allowed: ["./runtime/b.ts", "./storage/b.ts", "./protocols/services.ts", "./tasks/b.ts"],
    refused: ["./protocols/b.ts", "./http/b.ts", "./app.ts", "hono", "onnxruntime-web/x.mjs"],
  },
  "src/deps/a.ts": {
    allowed: ["./b.ts", "../runtime/b.ts", "../storage/b.ts", "../monitoring/collector/b.ts"],
    refused: ["../protocols/b.ts", "../http/b.ts", "../app.ts", "hono", "onnxruntime-web/x.mjs"],
  },
  "src/monitoring/a.ts": {
    allowed: ["./b.ts", "../domain/monitoring/b.ts", "../shared/b.ts", "zod"],
    refused: ["../guard/b.ts", "../protocols/b.ts", "../telemetry/b.ts", "hono"],
  },
  "src/monitoring/collector/a.ts": {
    allowed: ["./b.ts", "../drift/b.ts", "../../domain/monitoring/b.ts", "../../shared/b.ts"],
    refused: ["../../guard/b.ts", "../../storage/b.ts", "../../deps/b.ts", "hono"],
  },
  "src/monitoring/alerts/a.ts": {
    allowed: ["./b.ts", "../../domain/alerts/b.ts", "standardwebhooks"],
    refused: ["../../guard/b.ts", "../../durable-objects/b.ts", "../../deps/b.ts", "hono"],
  },
  "src/explain/a.ts": {
    allowed: ["./b.ts", "../tasks/b.ts", "../onnx/b.ts", "../domain/b.ts", "../shared/b.ts"],
    refused: ["../inference/b.ts", "../registry/b.ts", "../runtime/b.ts", "echarts/core", "hono"],
  },
  "src/explain/trees/a.ts": {
    allowed: ["./b.ts", "../game.ts", "../../tasks/b.ts", "../../domain/b.ts", "zod"],
    refused: ["../../inference/b.ts", "../../storage/b.ts", "echarts/core", "hono"],
  },
  "src/explain/charts/a.ts": {
    allowed: ["./b.ts", "../../domain/explanation/b.ts", "../../shared/b.ts", "echarts/core"],
    refused: ["../../tasks/b.ts", "../../onnx/b.ts", "hono"],
  },
  "src/config.ts": {
    allowed: ["./domain/b.ts", "zod"],
    refused: ["./inference/b.ts", "hono"],
  },
  "src/index.ts": {
    allowed: ["./library.ts"],
    refused: ["./app.ts", "./deps.ts", "./protocols/b.ts", "./storage/b.ts", "hono"],
  },
  "src/tail.ts": {
    allowed: ["./tail-library.ts", "./env.ts"],
    refused: ["./deps.ts", "./library.ts", "./storage/b.ts"],
  },
  "src/tail-library.ts": {
    allowed: ["./deps/tail.ts", "./domain/b.ts", "./telemetry/tail/b.ts"],
    refused: ["./deps.ts", "./app.ts", "./deps/storage.ts", "zod"],
  },
  "src/rpc/a.ts": {
    allowed: ["./b.ts", "../domain/b.ts", "../protocols/services.ts", "cloudflare:workers"],
    refused: ["../http/respond.ts", "../app.ts", "../storage/b.ts", "../runtime/b.ts", "hono"],
  },
  "src/library.ts": {
    allowed: ["./app.ts", "./deps.ts", "./env.ts", "./rpc/b.ts", "./telemetry/b.ts"],
    refused: ["./storage/b.ts", "./runtime/b.ts", "./inference/b.ts", "hono"],
  },
};

const VIOLATIONS: { rule: string; file: string; code: string }[] = [
  { rule: "noConsole", file: "src/http/console.ts", code: "console.log(1);" },
  { rule: "noExplicitAny", file: "src/http/any.ts", code: "export const a: any = 1;" },
  { rule: "noDefaultExport", file: "src/http/default.ts", code: "export default 1;" },
  { rule: "useFilenamingConvention", file: "src/http/camelCase.ts", code: "export const a = 1;" },
  {
    rule: "useImportExtensions",
    file: "src/http/extension.ts",
    code: 'export { a } from "./any";',
  },
  {
    rule: "noFloatingPromises",
    file: "src/http/floating.ts",
    code: "async function work(): Promise<void> {}\nwork();",
  },
  {
    rule: "noImportCycles",
    file: "src/http/cycle.ts",
    code: 'import { b } from "./cycle-back.ts";\nexport const a = () => b;',
  },
];

const HELPERS: Record<string, string> = {
  "src/http/cycle-back.ts": 'import { a } from "./cycle.ts";\nexport const b = () => a;',
  "src/telemetry/sinks/console-sink.ts": "console.log(1);",
};

let folder: string;
/** "rule file:line" of everything that Biome reports. */
let reported: Set<string>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-lint-"));
  for (const file of ["biome.json", ".gitignore"])
    copyFileSync(projectPath(file), join(folder, file));
  for (const [file, { allowed, refused }] of Object.entries(IMPORTS))
    write(file, [...refused, ...allowed].map((from) => `import "${from}";`).join("\n"));
  for (const { file, code } of VIOLATIONS) write(file, code);
  for (const [file, code] of Object.entries(HELPERS)) write(file, code);
  reported = lint();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(Object.entries(IMPORTS))("%s", (file, { allowed, refused }) => {
  test.each(refused)("may not import %s", (from) => {
    expect(reported).toContain(`noRestrictedImports ${file}:${refused.indexOf(from) + 1}`);
  });

  test.each(allowed)("may import %s", (from) => {
    const line = refused.length + allowed.indexOf(from) + 1;
    expect(reported).not.toContain(`noRestrictedImports ${file}:${line}`);
  });
});

test.each(VIOLATIONS)("$rule is caught", ({ rule, file, code }) => {
  const lines = code.split("\n").map((_, index) => `${rule} ${file}:${index + 1}`);
  expect(lines.filter((line) => reported.has(line))).toHaveLength(1);
});

test("the console sink may use the console", () => {
  expect(reported).not.toContain("noConsole src/telemetry/sinks/console-sink.ts:1");
});

function write(file: string, code: string): void {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${code}\n`);
}

function lint(): Set<string> {
  const biome = projectPath("node_modules", "@biomejs", "biome", "bin", "biome");
  const args = [biome, "lint", "--max-diagnostics=none", "--reporter=github"];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  const annotations = /^::error title=lint\/\w+\/(\w+),file=(.+?),line=(\d+),/gm;
  const found = new Set<string>();
  for (const [, rule, file, line] of stdout.matchAll(annotations)) {
    found.add(`${rule} ${file?.slice(file.search(/(?:packages\/\w+\/)?src\//))}:${line}`);
  }
  if (found.size === 0) throw new Error(`Biome reported nothing:\n${stdout}${stderr}`);
  return found;
}

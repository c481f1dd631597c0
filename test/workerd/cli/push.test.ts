import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { type CliResult, runCli } from "../../support/cli.ts";

/** `onnxflare push` against a local Worker; test/workerd/cli/push-interrupted.test.ts has connections that fail. */

interface Pushed {
  readonly name: string;
  readonly version: string;
  readonly totalBytes: number;
  readonly resumedBytes: number;
  readonly proposed: readonly string[];
  readonly manifest: { readonly task?: string; readonly labels?: readonly string[] };
}

const DIGITS = projectPath("models", "digits-cnn", "1", "model.onnx");
const IRIS = projectPath("models", "iris-logistic", "1");

let service: AdministeredService;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-push-"));
  service = await startAdministeredService();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await service?.dispose();
});

function run(...args: string[]): Promise<CliResult> {
  const env = { ONNXFLARE_URL: service.origin, ONNXFLARE_KEY: ADMIN_KEY };
  return runCli(args, { env });
}

async function push(...args: string[]): Promise<Pushed> {
  const result = await run("push", ...args, "--json");
  expect(result.code, result.stderr).toBe(0);
  return result.json<Pushed>();
}

async function versionsOf(name: string): Promise<string[]> {
  const list = (await run("list", "--json")).json<{
    models: { name: string; version: string }[];
  }>();
  return list.models.filter((each) => each.name === name).map(({ version }) => version);
}

describe("a file", () => {
  test("becomes the next version each time, and serves at once", async () => {
    const text = await run("push", DIGITS, "--name", "digits");
    expect(text.code, text.stderr).toBe(0);
    expect(text.stdout).toMatch(/^published digits version 1: no task, 195 KiB in [\d.]+ s\n$/);
    expect(await push(DIGITS, "--name", "digits")).toMatchObject({ version: "2" });
    const input = { name: "image", datatype: "FP32", shape: [1, 1, 8, 8], data: Array(64).fill(0) };
    const tensors = JSON.stringify({ inputs: [input] });
    expect((await run("predict", "digits@2", "--input", tensors)).code).toBe(0);
  });

  test("gets a task whose parts are proposed and printed, labels and an alias", async () => {
    const labels = join(folder, "labels.txt");
    writeFileSync(labels, "null\neins\nzwei\ndrei\nvier\nfünf\nsechs\nsieben\nacht\nneun\n");
    const options = [
      "--task",
      "image-classification",
      "--labels",
      `@${labels}`,
      "--alias",
      "canary",
    ];
    const pushed = await push(DIGITS, "--name", "named-digits", ...options);
    expect(pushed.manifest.task).toBe("image-classification");
    expect(pushed.manifest.labels?.[5]).toBe("fünf");
    expect(pushed.proposed.length).toBeGreaterThan(0);
    const inspected = await run("inspect", "named-digits", "--json");
    expect(inspected.json()).toMatchObject({ routing: { aliases: { canary: {} } } });
  });

  test("with weights in another file is sent with it", async () => {
    const pushed = await push(
      projectPath("test", "fixtures", "exports", "external.onnx"),
      "--name",
      "external",
    );
    expect(pushed.manifest).toMatchObject({ original: { changes: ["external-data"] } });
  });

  test("whose weights are missing is refused before anything is sent", async () => {
    const alone = join(folder, "alone.onnx");
    cpSync(projectPath("test", "fixtures", "exports", "external.onnx"), alone);
    const result = await run("push", alone, "--name", "alone");
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain(join(folder, "parts", "inner.bin"));
    expect(await versionsOf("alone")).toEqual([]);
  });
});

describe("a folder with a manifest", () => {
  test("is published with background rows of a file", async () => {
    const file = join(folder, "rows.jsonl");
    writeFileSync(file, "[6.7, 3, 5.2, 2.3]\n[5.7, 2.8, 4.1, 1.3]\n");
    const { version } = await push(IRIS, "--name", "with-rows", "--background", file);
    const shown = await run("background", `with-rows@${version}`, "--json");
    expect(shown.json()).toMatchObject({
      inputs: [
        [6.7, 3, 5.2, 2.3],
        [5.7, 2.8, 4.1, 1.3],
      ],
    });
  });

  test("is published by the name in it, as the next version", async () => {
    expect(await push(IRIS)).toMatchObject({ name: "iris-logistic", version: "1" });
    expect(await push(IRIS)).toMatchObject({ name: "iris-logistic", version: "2" });
    const predicted = await run(
      "predict",
      "iris-logistic@2",
      "--input",
      "[5.1, 3.5, 1.4, 0.2]",
      "--json",
    );
    // README.md: probabilities of scikit-learn.
    expect(predicted.json()).toMatchObject([
      { label: "setosa", score: 0.9768070578575134 },
      {},
      {},
    ]);
  });

  test("is published by another name and number", async () => {
    const pushed = await push(IRIS, "--name", "other", "--version", "7");
    expect(pushed).toMatchObject({ name: "other", version: "7", manifest: { name: "other" } });
  });

  test("whose file is not the one of its manifest is refused before anything is sent", async () => {
    const changed = join(folder, "changed");
    cpSync(IRIS, changed, { recursive: true });
    cpSync(DIGITS, join(changed, "model.onnx"));
    const result = await run("push", changed, "--name", "changed");
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toMatch(/SHA-256 [0-9a-f]{64}, and manifest.json says [0-9a-f]{64}/);
    expect(await versionsOf("changed")).toEqual([]);
  });

  test("that contradicts its model is refused by the server, with the reason", async () => {
    const changed = join(folder, "contradicting");
    cpSync(IRIS, changed, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(IRIS, "manifest.json"), "utf8"));
    manifest.inputs[0].datatype = "INT64";
    writeFileSync(join(changed, "manifest.json"), JSON.stringify(manifest));
    const result = await run("push", changed, "--name", "contradicting");
    expect(result).toMatchObject({ code: 7, stdout: "" });
    expect(result.stderr).toMatch(/code invalid_\w+, request id \S+/);
    expect(await versionsOf("contradicting")).toEqual([]);
  });
});

describe("an export", () => {
  const exports = projectPath("test", "fixtures", "export-folders");

  test("of Optimum gets its task from its files", async () => {
    const pushed = await push(join(exports, "optimum-llama"), "--name", "llama");
    expect(pushed.manifest.task).toBe("text-generation");
    const options = ["--input", '"a"', "--parameters", '{"max_new_tokens": 3}'];
    const streamed = await run("predict", "llama", ...options, "--stream", "--json");
    expect(streamed.code, streamed.stderr).toBe(0);
    const events = streamed.lines() as { index: number; generated_text: string | null }[];
    expect(events).toHaveLength(3);
    const whole = await run("predict", "llama", ...options, "--json");
    expect(whole.json()).toEqual([{ generated_text: events.at(-1)?.generated_text }]);
  });

  test("of transformers.js has its model with weights in the subfolder onnx", async () => {
    const pushed = await push(join(exports, "transformers-js-gpt2"), "--name", "gpt2");
    expect(pushed.manifest.task).toBe("text-generation");
  });

  test("with several models has one of them sent, by --variant another one", async () => {
    const several = join(folder, "several");
    mkdirSync(join(several, "onnx"), { recursive: true });
    cpSync(DIGITS, join(several, "onnx", "model.onnx"));
    cpSync(join(IRIS, "model.onnx"), join(several, "onnx", "model_int8.onnx"));
    const first = await push(several, "--name", "several");
    const second = await push(several, "--name", "several", "--variant", "fp32");
    expect([first.totalBytes, second.totalBytes]).toEqual([537, 199_424]);
    expect((await run("push", several, "--name", "several", "--variant", "q8")).code).toBe(2);
  });

  test("a folder of several versions is refused with the name of one", async () => {
    const result = await run("push", projectPath("models", "iris-logistic"), "--name", "x");
    expect(result.code).toBe(2);
    expect(result.stderr).toContain(join("models", "iris-logistic", "1"));
  });
});

describe("what is refused", () => {
  test.each([
    ["/no/such/model.onnx", "there is no /no/such/model.onnx"],
    [projectPath("README.md"), "not a valid ONNX model"],
  ])("the path %s", async (path, message) => {
    const result = await run("push", path, "--name", "refused");
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain(message);
  });

  test("a model without a name", async () => {
    const result = await run("push", DIGITS);
    expect(result.code).toBe(2);
    expect(result.stderr).toContain("--name NAME");
  });

  test("a version that exists", async () => {
    await push(DIGITS, "--name", "taken");
    const result = await run("push", DIGITS, "--name", "taken", "--version", "1");
    expect(result.code).toBe(6);
    expect(result.stderr).toContain("version_exists");
  });

  test("a task that the model cannot have, with what to send", async () => {
    const result = await run(
      "push",
      DIGITS,
      "--name",
      "refused",
      "--task",
      "text-generation",
      "--json",
    );
    expect(result.code).toBe(7);
    const { error } = JSON.parse(result.stderr.trim().split("\n").at(-1) ?? "");
    expect(error).toMatchObject({ code: "invalid_model", exitCode: 7 });
    expect(error.message).toContain("config.json");
  });
});

test("a dry run shows the manifest and publishes nothing", async () => {
  const result = await run("push", DIGITS, "--name", "dry", "--dry-run");
  expect(result.code, result.stderr).toBe(0);
  expect(JSON.parse(result.stdout)).toMatchObject({ name: "dry", version: "1", format: "onnx" });
  expect(await versionsOf("dry")).toEqual([]);
  expect(await push(DIGITS, "--name", "dry")).toMatchObject({ version: "1" });
});

test("pushes at the same time get numbers of their own", async () => {
  const files = [
    DIGITS,
    join(IRIS, "model.onnx"),
    projectPath("models", "iris-kmeans", "1", "model.onnx"),
  ];
  const pushed = await Promise.all(files.map((file) => push(file, "--name", "raced")));
  expect(pushed.map(({ version }) => version).sort()).toEqual(["1", "2", "3"]);
  expect((await versionsOf("raced")).sort()).toEqual(["1", "2", "3"]);
  for (const [index, { manifest }] of pushed.entries()) {
    const sha256 = await hash(files[index] ?? "");
    const { files: stored, original } = manifest as unknown as {
      files: { sha256: string }[];
      original?: { sha256: string };
    };
    expect(original?.sha256 ?? stored[0]?.sha256).toBe(sha256);
  }
});

async function hash(file: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", readFileSync(file));
  return Buffer.from(digest).toString("hex");
}

test("a signed version is published with its signature", async () => {
  const key = join(folder, "signing.key");
  expect((await run("keys", "generate", "signing", "--out", key)).code).toBe(0);
  const pushed = await push(DIGITS, "--name", "signed", "--sign", key);
  expect(pushed.version).toBe("1");
  const inspected = await run("inspect", "signed", "--json");
  expect(inspected.json()).toMatchObject({ versions: [{ version: "1", signed: true }] });
  const wrong = await run(
    "push",
    DIGITS,
    "--name",
    "signed",
    "--sign",
    join(folder, "nothing.key"),
  );
  expect(wrong.code).toBe(2);
});

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import { fileKey, manifestKey } from "../../../src/storage/model-keys.ts";
import { type Service, startService } from "../../support/service.ts";
import { expectOutputs, readExpected } from "../../support/tensors.ts";

const run = promisify(execFile);
const MODELS = [
  "iris-logistic",
  "breast-cancer-gradient-boosting",
  "digits-cnn",
  "language-identification",
];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-convert-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a converted model in the Worker", () => {
  let service: Service;

  beforeAll(async () => {
    service = await startService({ models: MODELS });
  });

  afterAll(() => service?.dispose());

  test.each(MODELS)(
    "%s in ORT format has the same outputs as in ONNX format, bit by bit",
    async (name) => {
      const converted = await publish(service, name, await convert(name));
      const { inputs } = readExpected(name);
      const onnx = await service.post(`/v2/models/${name}/infer`, { inputs });
      const ort = await service.post(`/v2/models/${converted}/infer`, { inputs });
      expect(ort).toMatchObject({ status: 200, body: { model_name: converted } });
      expect(outputsOf(ort.body).length).toBeGreaterThan(0);
      expect(outputsOf(ort.body)).toEqual(outputsOf(onnx.body));
    },
  );

  test.each(["disabled", "basic", "extended"])(
    "digits-cnn runs at the optimization level %s",
    async (level) => {
      const file = await convert("digits-cnn", "--level", level);
      const converted = await publish(service, "digits-cnn", file, level);
      const expected = readExpected("digits-cnn");
      const { inputs } = expected;
      const response = await service.post(`/v2/models/${converted}/infer`, { inputs });
      expectOutputs(response.body, expected);
    },
  );
});

describe("the script", () => {
  let converted: string;

  beforeAll(async () => {
    converted = await convert("digits-cnn");
    const onnx = readFileSync(modelFile("iris-logistic"));
    const files = {
      model: onnx,
      converted: readFileSync(converted),
      short: onnx.subarray(0, 300),
      text: "This is no model.",
      empty: "",
    };
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  });

  test("writes the same bytes again", async () => {
    const again = await convert("digits-cnn");
    expect(readFileSync(converted).subarray(4, 8).toString()).toBe("ORTM");
    expect(readFileSync(again).equals(readFileSync(converted))).toBe(true);
  });

  test("convert-ort prints its usage", async () => {
    const { stdout } = await start("--help");
    expect(stdout).toContain("scripts/convert-ort.ts <model.onnx> <model.ort>");
  });

  test.each([
    ["a missing file", "missing out", /^onnxflare: missing can't be read: ENOENT/],
    ["no model at all", "text out", /^onnxflare: text can't be converted: .*protobuf parsing/],
    ["a model cut short", "short out", /^onnxflare: short can't be converted: .*protobuf parsing/],
    ["an empty file", "empty out", /^onnxflare: empty is empty/],
    ["a converted file", "converted out", /^onnxflare: converted is in ORT format already/],
    ["a missing folder", "model none/out", /^onnxflare: none\/out can't be written: ENOENT/],
    ["one argument", "model", /^onnxflare: expected a model and an output file/],
    ["an unknown level", "model out --level most", /^onnxflare: --level must be one of .*"most"/],
    ["an unknown option", "model out --fast", /^onnxflare: Unknown option '--fast'/],
  ])("refuses %s in clear words", async (_, args, message) => {
    const failure = await start(...args.split(" ")).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(message) });
    expect(failure).not.toMatchObject({ stderr: expect.stringContaining("    at ") });
  });
});

function start(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const script = [
    projectPath("scripts", "bootstrap.mjs"),
    projectPath("scripts", "convert-ort.ts"),
  ];
  return run(process.execPath, [...script, ...args], { cwd: folder });
}

/** Converts the ONNX file of a model in models/; returns the path of the new file. */
async function convert(name: string, ...options: string[]): Promise<string> {
  const target = join(mkdtempSync(join(folder, `${name}-`)), "model.ort");
  await start(modelFile(name), target, ...options);
  return target;
}

function modelFile(name: string): string {
  return projectPath("models", name, "1", "model.onnx");
}

/** Stores a converted model in the bucket beside its original; returns its name. */
async function publish(service: Service, name: string, path: string, level = "all") {
  const converted = `${name}-${level}`;
  const manifest = JSON.parse(
    readFileSync(projectPath("models", name, "1", "manifest.json"), "utf8"),
  );
  const bytes = readFileSync(path);
  const id = { name: converted, version: "1" };
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const { task: _, preprocess: __, postprocess: ___, example: ____, ...rest } = manifest;
  await service.bucket.put(fileKey(id, "model.ort"), bytes);
  await service.bucket.put(
    manifestKey(id),
    JSON.stringify({
      ...rest,
      ...id,
      format: "ort",
      file: "model.ort",
      files: [{ path: "model.ort", sha256, sizeBytes: bytes.byteLength }],
    }),
  );
  return converted;
}

function outputsOf(body: unknown): unknown[] {
  return (body as { outputs: unknown[] }).outputs;
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readExportFolder } from "../../scripts/export-folder.ts";
import { addWorkerGlobals } from "../../scripts/worker-modules.ts";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import {
  EXPECTED,
  EXPORT_BUDGET,
  EXPORT_FOLDERS,
  type ExportCase,
  type ExportedKind,
  storeVersion,
} from "../support/export-folders.ts";

/** Folders of Optimum, published without a manifest, in workerd: the tokens are those of transformers with the same weights. */

const KINDS = Object.keys(EXPORT_FOLDERS) as ExportedKind[];

let service: AdministeredService;
const reports: Partial<Record<ExportedKind, string[]>> = {};

beforeAll(async () => {
  addWorkerGlobals();
  service = await startAdministeredService();
  for (const kind of KINDS) {
    const id = { name: `exported-${kind}`, version: "1" };
    const options = { format: "ort", budget: EXPORT_BUDGET } as const;
    const lines: string[] = [];
    const files = await readExportFolder(EXPORT_FOLDERS[kind], id, options, (line) => {
      lines.push(line);
    });
    reports[kind] = lines;
    await storeVersion(service.bucket, files);
  }
}, 60_000);

afterAll(() => service?.dispose());

async function generate(kind: ExportedKind, { prompt, certain }: ExportCase) {
  const parameters = { max_new_tokens: certain, details: true, return_full_text: false };
  const { status, body } = await service.post(`/models/exported-${kind}`, {
    inputs: prompt,
    parameters,
  });
  expect({ status, body }).toMatchObject({ status: 200 });
  const [{ details }] = body as [{ details: { tokens: { id: number }[] } }];
  return details.tokens.map(({ id }) => id);
}

describe.each(KINDS)("an export of %s", (kind) => {
  const { cases, chat } = EXPECTED[kind];

  test("has the greedy tokens of transformers for more than fifty prompts", async () => {
    const whole = cases.filter(({ tokens, certain }) => certain === tokens.length);
    expect(whole.length).toBeGreaterThan(50);
    for (const expected of cases) {
      const { tokens, certain } = expected;
      if (certain > 0) expect(await generate(kind, expected)).toEqual(tokens.slice(0, certain));
    }
  });

  test("takes its limits from its configuration", async () => {
    const [first] = cases;
    const { body } = await service.post(`/models/exported-${kind}`, {
      inputs: first?.prompt,
      parameters: { details: true },
    });
    // max_new_tokens of generation_config.json, and a token that ends a text.
    const [{ details }] = body as [
      { details: { finish_reason: string; tokens: { id: number }[] } },
    ];
    expect(details.tokens.length).toBe(first?.tokens.length);
    const long = await service.post(`/models/exported-${kind}`, { inputs: "x1 ".repeat(100) });
    expect(long).toMatchObject({
      status: 400,
      body: { detail: expect.stringMatching(/context has 128/) },
    });
  });

  test("answers a conversation by its chat template", async () => {
    const client = new OpenAI({ baseURL: `${service.origin}/v1`, apiKey: "none", maxRetries: 0 });
    const { choices, usage } = await client.chat.completions.create({
      model: `exported-${kind}`,
      messages: [...chat.messages],
      temperature: 0,
      max_completion_tokens: chat.certain,
    });
    expect(choices[0]?.message.content).toBe(chat.text);
    expect(usage?.prompt_tokens).toBe(chat.promptTokens);
  });

  test("reports what was found and guessed", () => {
    const form = kind === "llama" ? "2 layers, 2 heads of 8" : "2 layers, 4 heads of 8";
    expect(reports[kind]).toEqual([
      `${kind === "llama" ? "model.onnx" : "onnx/decoder_model_merged.onnx"} (fp32)`,
      `keys and values of ${form}, growing: each run returns longer ones`,
      `context 128, of ${kind === "llama" ? "max_position_embeddings" : "n_positions"}`,
      "texts end with 0, 1 (eos_token_id of generation_config.json)",
      "answers conversations by its chat template",
      "takes the most probable token by default",
    ]);
  });
});

describe("an export that is sent over HTTP", () => {
  const folder = EXPORT_FOLDERS.gpt2;
  const MODEL = "decoder_model_merged.onnx";
  const CONFIGURATION = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
  ];
  const read = (path: string): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(readFileSync(join(folder, path)));
  const send = (name: string, path: string, body: BodyInit) =>
    service.administer(`/models/${name}/versions/1${path}`, { method: "PUT", body });
  const sendFiles = async (name: string, paths: readonly string[]): Promise<void> => {
    for (const path of paths)
      expect(await send(name, `/files/${path}`, read(path))).toMatchObject({ status: 201 });
    await send(name, `/files/${MODEL}_data`, read(`onnx/${MODEL}_data`));
  };

  test("is published with its task, and has the tokens of transformers", async () => {
    await sendFiles("sent", CONFIGURATION);
    const published = await send("sent", "?context=100", read(`onnx/${MODEL}`));
    expect(published).toMatchObject({
      status: 201,
      body: {
        task: "text-generation",
        format: "onnx",
        description: expect.stringMatching(/^Published from an export: .*context 100, as asked/),
        original: { changes: ["external-data"] },
        postprocess: { context: 100, eosTokenIds: [0, 1] },
      },
    });
    for (const expected of EXPECTED.gpt2.cases.slice(0, 3)) {
      const { prompt, tokens, certain } = expected;
      const { body } = await service.post("/models/sent", {
        inputs: prompt,
        parameters: { max_new_tokens: certain, details: true },
      });
      const [{ details }] = body as [{ details: { tokens: { id: number }[] } }];
      expect(details.tokens.map(({ id }) => id)).toEqual(tokens.slice(0, certain));
    }
    const left = await service.bucket.list({ prefix: "uploads/sent/" });
    expect(left.objects).toEqual([]);
  });

  test.each<[string, string, readonly string[], string, RegExp]>([
    ["without a tokenizer", "bare", ["config.json"], "", /no tokenizer\.json/],
    [
      "with a larger context than its own",
      "long",
      CONFIGURATION,
      "?context=129",
      /129 tokens, and the model was made for 128/,
    ],
    [
      "with a context that is no number",
      "odd",
      [],
      "?context=many",
      /"context" must be a number of tokens/,
    ],
  ])("%s is refused, and nothing is left of it", async (_, name, paths, query, message) => {
    await sendFiles(name, paths);
    const refused = await send(name, query, read(`onnx/${MODEL}`));
    expect(refused).toMatchObject({
      status: 400,
      body: { detail: expect.stringMatching(message) },
    });
    const { objects } = await service.bucket.list({ prefix: `models/${name}/` });
    expect(objects).toEqual([]);
  });

  test("whose context does not fit is refused with the numbers", async () => {
    const config = JSON.parse(new TextDecoder().decode(read("config.json")));
    await sendFiles("large", CONFIGURATION);
    const body = JSON.stringify({ ...config, n_positions: 131_072 });
    await send("large", "/files/config.json", body);
    const refused = await send("large", "", read(`onnx/${MODEL}`));
    expect(refused).toMatchObject({
      status: 400,
      body: {
        code: "invalid_model",
        detail: expect.stringMatching(
          /keys and values of 131072 tokens 128 MiB \(1024 bytes a token\).*OWN_ISOLATE_BUDGET_BYTES.*at most \d+ tokens fit/,
        ),
      },
    });
  });

  test("without config.json has no task", async () => {
    await sendFiles("plain", []);
    const published = await send("plain", "", read(`onnx/${MODEL}`));
    expect(published).toMatchObject({ status: 201 });
    expect(published.body).not.toHaveProperty("task");
  });
});

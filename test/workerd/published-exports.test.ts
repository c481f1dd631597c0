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

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readModelFolder } from "../../../scripts/model-folder.ts";
import { projectPath } from "../../../scripts/project.ts";
import { seedModels } from "../../../scripts/seed.ts";
import { UserError } from "../../../scripts/user-error.ts";

/** `npm start` and `npm run upload` read models by this, before anything is written. */

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-models-"));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder with one model of models/, whose manifest has other fields. */
function copyModel(name: string, changes: Record<string, unknown>): string {
  const models = mkdtempSync(join(folder, "models-"));
  cpSync(projectPath("models", name), join(models, name), { recursive: true });
  const file = join(models, name, "1", "manifest.json");
  const manifest: Record<string, unknown> = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...manifest, ...changes }));
  return models;
}

test("a manifest whose labels contradict its outputs is refused with the path", () => {
  const models = copyModel("iris-logistic", { labels: ["setosa", "versicolor"] });
  expect(() => readModelFolder(models)).toThrow(
    new UserError(
      'model iris-logistic version 1: manifest.json: invalid manifest: ✖ must have length 3, one label for each value of "probabilities"; it has 2 → at labels',
    ),
  );
});

test("nothing is seeded of a folder with a manifest that contradicts its model", async () => {
  const shape = ["batch", "tokens", 2];
  const models = copyModel("spam-detection", {
    outputs: [{ name: "logits", datatype: "FP32", shape }],
  });
  const bucket = {} as Parameters<typeof seedModels>[0];
  await expect(seedModels(bucket, models)).rejects.toThrow(
    /^model spam-detection version 1: manifest.json: .*it has \[batch, tokens, 2\] → at postprocess\.scores$/,
  );
});

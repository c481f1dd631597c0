import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { FolderModel } from "../../../packages/cli/src/local/model-folder.ts";
import { projectPath } from "../../../scripts/project.ts";
import type { Explanation, ExplanationSpace } from "../../../src/domain/explanation/explanation.ts";
import { Media } from "../../../src/domain/media.ts";
import type { ExplainedVersion } from "../../../src/explain/explained-version.ts";
import { linearMethod } from "../../../src/explain/linear/linear-method.ts";
import { METHODS } from "../../../src/explain/registry.ts";
import { treeMethod } from "../../../src/explain/trees/tree-method.ts";
import { chooseMethod } from "../../../src/inference/explaining/choose-method.ts";
import { readExplanations } from "../../support/explained-tables.ts";
import { explainedVersion, explanationRequest } from "../../support/explained-version.ts";
import { findModel } from "../../support/publish.ts";
import { servedVersion } from "../../support/served-version.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Explanations in the cards of models, as recipes/card_explanations.py computed them. */

interface CardExample {
  readonly inputs?: unknown;
  /** Of a picture or a recording, in place of `inputs`. */
  readonly file?: string;
  readonly parameters: {
    readonly method?: string;
    readonly space?: ExplanationSpace;
    readonly max_runs?: number;
  };
  readonly output_names?: readonly string[];
  readonly feature_names?: readonly string[];
  readonly values: readonly number[];
  /** Absent of texts, pictures and recordings. */
  readonly std_error?: readonly number[];
  readonly output: number;
}

/** What orders that are drawn may miss of columns that rarely matter. */
const RARE = 0.002;

const NAMES = readdirSync(projectPath("models"));
const { cards } = readExplanations<{ cards: Record<string, CardExample> }>("cards.json");

beforeAll(stubWorkersGlobals);

async function versionOf(model: FolderModel): Promise<ExplainedVersion> {
  const file = join(model.folder, "background.json");
  if (!existsSync(file)) return servedVersion(model);
  return explainedVersion(model, { background: JSON.parse(readFileSync(file, "utf8")).inputs });
}

function readMedia(file: string): Media {
  const folder = projectPath("test", "fixtures");
  const path = ["images", "audio", "speech"]
    .map((kind) => join(folder, kind, file))
    .find(existsSync);
  const type = { webp: "image/webp", png: "image/png", wav: "audio/wav" }[file.split(".")[1] ?? ""];
  return new Media(type ?? "", new Uint8Array(readFileSync(path ?? file)));
}

/** As Python writes a number with three digits. */
function toThousandths(value: number): string {
  const text = value.toFixed(3);
  return text === "0.000" && value < 0 ? "-0.000" : text;
}

test("every model has one", () => {
  expect(Object.keys(cards).sort()).toEqual(NAMES.sort());
});

describe.each(NAMES)("%s", (name) => {
  const {
    inputs,
    parameters,
    values,
    feature_names: features,
    file,
    ...expected
  } = cards[name] as CardExample;
  const { space } = parameters;

  test("shows the request and its five largest values", () => {
    const card = readFileSync(projectPath("models", name, "README.md"), "utf8");
    const section = card.split("## Why this answer")[1]?.split("\n## ")[0] ?? "";
    expect(section).toContain(`POST /models/${name}/explain`);
    const body = { inputs, ...(Object.keys(parameters).length > 0 && { parameters }) };
    if (inputs !== undefined)
      expect(JSON.parse(section.split("application/json\n\n")[1]?.split("\n")[0] ?? "")).toEqual(
        body,
      );
    const ranked = values
      .map((value, index) => ({ name: features?.[index], value }))
      .sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
    const shown = [...section.matchAll(/^\| `(.+)` \| (-?\d+\.\d{3}) \|$/gm)];
    expect(shown.map(([, part, value]) => [part, value])).toEqual(
      ranked.slice(0, 5).map((each) => [each.name, toThousandths(each.value)]),
    );
  });

  test("can be explained without a method", async () => {
    const model = findModel(name);
    const version = await versionOf(model);
    const asked = file === undefined ? inputs : readMedia(file);
    const request = explanationRequest(version, asked, {}, { space });
    const method = await chooseMethod(METHODS, request);
    const own = Object.fromEntries(
      Object.keys(method.parameters.shape).flatMap((key) =>
        key in parameters ? [[key, parameters[key as keyof typeof parameters]]] : [],
      ),
    );
    const plan = await method.plan({
      ...request,
      parameters: method.parameters.parse(own),
    } as never);
    expect(plan.runs).toBeGreaterThanOrEqual(
      method === linearMethod || method === treeMethod ? 0 : 2,
    );
  });

  // The parts of larger models are compared in test/unit/explain/media.
  const isComputed =
    expected.std_error !== undefined ||
    ["language-identification", "named-entities"].includes(name);
  if (!isComputed) return;

  test("has the values of the card", async () => {
    const version = await versionOf(findModel(name));
    const { method: wanted, max_runs: maxRuns } = parameters;
    const ask = explanationRequest(version, inputs, {}, { space, maxRuns });
    let found: (typeof METHODS)[number] | undefined;
    for (const method of METHODS)
      if (wanted ? method.name === wanted : await method.suits(ask)) {
        found = method;
        break;
      }
    const defaults = found?.parameters.parse({});
    const planned = await found?.plan({ ...ask, parameters: defaults } as never);
    const answer = (await planned?.explain()) as Explanation & { std_error: number[] | null };
    expect(answer.output_names).toEqual(expected.output_names);
    expect(answer.feature_names).toEqual(features);
    // Engines differ in the last bits of FP32, and more where models have integers: there as much as in the example of the model.
    const ofTexts = Math.max(1e-3, findModel(name).manifest.example?.tolerance ?? 0);
    const tolerance =
      (expected.std_error ? 2e-5 : ofTexts) * Math.max(1, Math.abs(expected.output));
    expect(Math.abs((answer.output as number) - expected.output)).toBeLessThan(tolerance);
    for (const [index, value] of values.entries()) {
      const error = Math.hypot(expected.std_error?.[index] ?? 0, answer.std_error?.[index] ?? 0);
      const distance = Math.abs((answer.values[index] as number) - value);
      expect([features?.[index], distance]).toEqual([
        features?.[index],
        expect.toSatisfy(
          (each: number) => each <= 5 * error + (maxRuns === undefined ? tolerance : RARE),
        ),
      ]);
    }
  });
});

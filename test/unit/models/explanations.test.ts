import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import type { Explanation, ExplanationSpace } from "../../../src/domain/explanation/explanation.ts";
import { METHODS } from "../../../src/explain/registry.ts";
import { readExplanations } from "../../support/explained-tables.ts";
import { explainedVersion, explanationRequest } from "../../support/explained-version.ts";
import { findModel } from "../../support/publish.ts";
import { servedVersion } from "../../support/served-version.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Explanations in the cards of models, as recipes/card_explanations.py computed them. */

interface CardExample {
  readonly inputs?: unknown;
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

test("every model has one", () => {
  expect(Object.keys(cards).sort()).toEqual(NAMES.sort());
});

describe.each(NAMES)("%s", (name) => {
  const {
    inputs,
    parameters,
    values,
    feature_names: features,
    ...expected
  } = cards[name] as CardExample;

  test("shows the request and its largest values", () => {
    const card = readFileSync(projectPath("models", name, "README.md"), "utf8");
    const section = card.split("## Why this answer")[1]?.split("\n## ")[0] ?? "";
    expect(section).toContain(`POST /models/${name}/explain`);
    const body = { inputs, ...(Object.keys(parameters).length > 0 && { parameters }) };
    if (inputs !== undefined)
      expect(JSON.parse(section.split("application/json\n\n")[1]?.split("\n")[0] ?? "")).toEqual(
        body,
      );
    const largest = Math.max(...values.map(Math.abs));
    expect(section).toContain(
      `| ${(values.find((each) => Math.abs(each) === largest) ?? 0).toFixed(3)} |`,
    );
  });

  // The parts of larger models are compared in test/unit/explain/media.
  const isComputed = expected.std_error !== undefined || name === "language-identification";
  if (!isComputed) return;

  test("has the values of the card", async () => {
    const model = findModel(name);
    const file = join(model.folder, "background.json");
    const version = existsSync(file)
      ? await explainedVersion(model, { background: JSON.parse(readFileSync(file, "utf8")).inputs })
      : servedVersion(model);
    const { method: wanted, space, max_runs: maxRuns } = parameters;
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
    // Engines differ in the last bits of FP32, and more where models have integers.
    const tolerance = (expected.std_error ? 2e-5 : 1e-3) * Math.max(1, Math.abs(expected.output));
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

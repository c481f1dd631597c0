import { readFileSync } from "node:fs";
import { projectPath } from "../../scripts/project.ts";
import type { Explanation } from "../../src/domain/explanation/explanation.ts";
import type { ExplanationMethod, ExplanationRequest } from "../../src/explain/method.ts";
import { explainedVersion, explanationRequest, type TestVersion } from "./explained-version.ts";
import { findModel } from "./publish.ts";
import { readExpected } from "./tensors.ts";

/** Rows of test/fixtures/expected, of which recipes/explanation_fixtures.py explains the first two by the others. */
const EXPLAINED = 2;

export function readExplanations<T>(file: string): T {
  const path = projectPath("test", "fixtures", "explanations", file);
  return JSON.parse(readFileSync(path, "utf8"));
}

export interface ExplainedRows {
  readonly version: TestVersion;
  /** As requests have them. */
  readonly rows: readonly unknown[];
  readonly background: readonly unknown[];
}

export async function explainedRows(name: string): Promise<ExplainedRows> {
  const model = findModel(name);
  const { preprocess } = model.manifest;
  if (preprocess?.type !== "tabular") throw new Error(`${name} takes no tables`);
  const [tensor] = readExpected(name).inputs;
  const { columns, categories } = preprocess;
  const all = Array.from({ length: tensor?.shape[0] ?? 0 }, (_, row) =>
    columns.map((column, index) => {
      const number = tensor?.data[row * columns.length + index] ?? Number.NaN;
      return categories[column]?.[number] ?? number;
    }),
  );
  const background = all.slice(EXPLAINED);
  const version = await explainedVersion(model, { background });
  return { version, rows: all.slice(0, EXPLAINED), background };
}

/** Plans and explains; `runs` must be what the engine was run for, and at most what was planned. */
export async function explain<T = Explanation>(
  method: ExplanationMethod,
  version: TestVersion,
  inputs: unknown,
  changes: Partial<ExplanationRequest> = {},
): Promise<T> {
  const parameters = method.parameters.parse(changes.parameters ?? {});
  const request = explanationRequest(version, inputs, parameters, { ...changes, parameters });
  const before = version.rows;
  const plan = await method.plan(request);
  const answer = (await plan.explain()) as { readonly runs: number };
  const ran = version.rows - before;
  if (ran !== answer.runs || ran > plan.runs)
    throw new Error(`${ran} rows were run, ${answer.runs} reported, ${plan.runs} planned`);
  return JSON.parse(JSON.stringify(answer));
}

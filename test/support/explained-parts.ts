import { readFileSync } from "node:fs";
import { projectPath } from "../../scripts/project.ts";
import type { ExplanationRequest } from "../../src/explain/method.ts";
import { METHODS } from "../../src/explain/registry.ts";
import { explanationRequest } from "./explained-version.ts";
import type { ServedVersion } from "./served-version.ts";

/** What recipes/explained_parts_fixtures.py computed. */
export interface Occluded {
  readonly values: readonly number[];
  readonly output: number;
  readonly base_value: number;
}

interface ExplainedText {
  readonly text: string;
  readonly label: string;
  readonly probability: Occluded;
  readonly margin: Occluded;
  readonly tokens: Occluded;
  readonly token_texts: readonly string[];
  readonly shapley?: readonly number[];
}

export const expectedParts: {
  readonly spam: { readonly spam: ExplainedText; readonly ham: ExplainedText };
  readonly embeddings: {
    readonly source_sentence: string;
    readonly sentences: readonly string[];
    readonly mask: readonly Occluded[];
    readonly remove: readonly Occluded[];
    readonly itself: Occluded;
  };
  readonly imagenet: { file: string; grid: number[]; label: number; blur: Occluded };
  readonly faces: { file: string; grid: number[]; box: readonly number[]; mean: Occluded };
  readonly digits: {
    readonly inputs: readonly (readonly number[])[];
    readonly mean: Occluded;
    readonly blur: Occluded;
    readonly shapley: { readonly grid: number[]; readonly values: readonly number[] };
    readonly lime: {
      readonly grid: number[];
      readonly samples: number;
      readonly values: readonly number[];
      readonly std: readonly number[];
    };
    readonly rise: {
      readonly values: readonly (readonly number[])[];
      readonly std_error: readonly (readonly number[])[];
      readonly mean: number;
    };
  };
  readonly generation: {
    readonly prompt: string;
    readonly tokens: readonly number[];
    readonly text: string;
    readonly words: Occluded;
  };
  readonly voices: {
    readonly file: string;
    readonly window_ms: number;
    readonly bands: number;
    readonly in_time: Occluded;
    readonly in_frequency: Occluded;
  };
  readonly transcripts: {
    readonly name: string;
    readonly window_ms: number;
    readonly tokens: readonly number[];
    readonly in_time: Occluded;
  };
} = JSON.parse(readFileSync(projectPath("test", "fixtures", "explanations", "parts.json"), "utf8"));

/** The answer of a method, as far as tests read it. */
export interface Answer extends Occluded {
  readonly method: string;
  readonly exact: boolean;
  readonly space: string;
  readonly output_names: readonly string[];
  readonly feature_names: readonly string[];
  readonly std_error: readonly number[] | null;
  readonly additivity_error: number;
  readonly runs: number;
  readonly seed: number | null;
  readonly text: string;
  readonly generated_text: string;
  readonly tokens: readonly { readonly id: number; readonly logprob: number }[];
  readonly spans: readonly { start: number; end: number; text: string; value: number }[];
  readonly map: { rows: number; columns: number; box?: object; values: number[][] };
  readonly parts: readonly {
    readonly start?: number;
    readonly end?: number;
    readonly from?: number;
    readonly to?: number;
    readonly value: number;
  }[];
  readonly segments: readonly (readonly number[])[];
  readonly explanations: readonly (Answer & { readonly label: string; readonly box: object })[];
}

/** Explains an input by a method of the registry, with the parameters that it reads. */
export async function explain(
  version: ServedVersion,
  name: string,
  inputs: unknown,
  parameters: object = {},
  changes: Partial<Omit<ExplanationRequest, "parameters">> = {},
): Promise<Answer & { readonly planned: number }> {
  const method = METHODS.find((candidate) => candidate.name === name);
  if (!method) throw new Error(`there is no method ${name}`);
  const before = version.rows;
  const own = method.parameters.parse(parameters);
  const request = explanationRequest(version, inputs, own);
  const plan = await method.plan({ ...request, ...changes, parameters: own });
  const answer = (await plan.explain()) as Answer;
  if (version.rows - before > plan.runs) throw new Error(`${version.rows - before} rows were run`);
  return { ...answer, planned: plan.runs };
}

/** The largest difference of two lists of numbers of the same length. */
export function furthest(actual: readonly number[], expected: readonly number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  return actual.reduce(
    (most, value, at) => Math.max(most, Math.abs(value - (expected[at] ?? Number.NaN))),
    0,
  );
}

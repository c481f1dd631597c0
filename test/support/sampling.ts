import { readFileSync } from "node:fs";
import * as z from "zod";
import { projectPath } from "../../scripts/project.ts";
import { samplingParameters } from "../../src/domain/sampling-parameters.ts";
import {
  type SamplingOptions,
  toSamplingOptions,
} from "../../src/tasks/generation/sampling/sampling-options.ts";
import { parseParameters } from "../../src/tasks/parameters.ts";

/** `null` is -infinity. */
export type LogitsSpec =
  | { readonly size: number; readonly seed: number; readonly scale: number }
  | readonly (number | null)[];

export interface SamplingCase {
  readonly name: string;
  readonly logits: LogitsSpec;
  readonly prompt?: readonly number[];
  readonly generated?: readonly number[];
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly expected: {
    readonly greedy: number;
    readonly kept: number;
    readonly raw_logprob: number;
    readonly best: readonly (readonly [token: number, logprob: number])[];
  };
}

interface SamplingWalk {
  readonly name: string;
  readonly size: number;
  readonly period: number;
  readonly scale: number;
  readonly prompt: readonly number[];
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly expected: { readonly tokens: readonly number[]; readonly logprobs: readonly number[] };
}

/** What transformers computes. */
export const SAMPLING: {
  readonly eos_token_ids: readonly number[];
  readonly cases: readonly SamplingCase[];
  readonly walks: readonly SamplingWalk[];
  readonly seeded: readonly {
    readonly seed: number;
    readonly logits: LogitsSpec;
    readonly parameters: Readonly<Record<string, unknown>>;
    readonly expected: { readonly numbers: readonly number[]; readonly tokens: readonly number[] };
  }[];
} = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "sampling", "transformers.json"), "utf8"),
);

/** The logits of `recipes/sampling_fixtures.py`. */
export function toLogits(spec: LogitsSpec): Float32Array {
  if (!("size" in spec)) return Float32Array.from(spec, (logit) => logit ?? -Infinity);
  let state = spec.seed;
  return Float32Array.from({ length: spec.size }, () => {
    let sum = 0;
    for (let term = 0; term < 4; term++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      sum += state / 2 ** 31 - 1;
    }
    return sum * spec.scale;
  });
}

/** The options of parameters as a request has them. */
export function samplingOptions(
  parameters: Readonly<Record<string, unknown>>,
  eosTokenIds = SAMPLING.eos_token_ids,
): SamplingOptions {
  return toSamplingOptions(parseParameters(z.strictObject(samplingParameters), parameters), {
    eosTokenIds: [...eosTokenIds],
  });
}

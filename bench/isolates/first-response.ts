import { rotate } from "../statistics.ts";
import {
  type BuiltWorker,
  type ByPlacement,
  checkPlacement,
  PLACEMENTS,
  readRuntime,
  withPlaced,
} from "./placed-worker.ts";
import { type RequestSpec, send } from "./request.ts";
import { inferRequest, sentenceRequest } from "./workloads.ts";

/** Models whose first response is measured, with its request. */
const FIRST: Readonly<Record<string, RequestSpec>> = {
  "sentence-embeddings": sentenceRequest("sentence-embeddings"),
  "digits-cnn": inferRequest("digits-cnn"),
  "iris-logistic": inferRequest("iris-logistic"),
};
export const FIRST_MODELS: readonly string[] = Object.keys(FIRST);

export interface FirstResponse {
  /** The first of a process that has answered nothing but a health check. */
  readonly coldMs: number;
  /** The first of the model in a process that has answered a request to another model. */
  readonly warmMs: number;
}

/** By model: one for each round. */
export type FirstResponses = Record<string, ByPlacement<FirstResponse>[]>;

/** In a fresh process for each model and placement, one after the other. */
export async function measureFirstResponses(
  built: BuiltWorker,
  round: number,
  results: FirstResponses,
): Promise<void> {
  const coldMs: Record<Placed, number> = {};
  const warmMs: Record<Placed, number> = {};
  for (const [index, model] of FIRST_MODELS.entries())
    for (const placement of rotate(PLACEMENTS, round)) {
      const next = FIRST_MODELS[(index + 1) % FIRST_MODELS.length] ?? model;
      await withPlaced(built, placement, {}, async ({ url }) => {
        coldMs[`${model} ${placement}`] = (await send(url, requestOf(model))).elapsedMs;
        warmMs[`${next} ${placement}`] = (await send(url, requestOf(next))).elapsedMs;
        checkPlacement(await readRuntime(url), placement, [model, next]);
      });
    }
  const of = (placed: Placed): FirstResponse => ({
    coldMs: coldMs[placed] ?? Number.NaN,
    warmMs: warmMs[placed] ?? Number.NaN,
  });
  for (const model of FIRST_MODELS)
    results[model] = [
      ...(results[model] ?? []),
      { own: of(`${model} own`), shared: of(`${model} shared`) },
    ];
}

type Placed = `${string} ${(typeof PLACEMENTS)[number]}`;

function requestOf(model: string): RequestSpec {
  const request = FIRST[model];
  if (!request) throw new Error(`no request to ${model}`);
  return request;
}

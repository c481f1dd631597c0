import * as z from "zod";
import { createEntryStore } from "../../src/cache/entry-store.ts";
import { parseCacheControl } from "../../src/domain/cache-control.ts";
import { type Call, createCall } from "../../src/domain/call.ts";
import type { KeptBackground } from "../../src/domain/explanation/background.ts";
import type { PublishedModel } from "../../src/domain/published-model.ts";
import type { TaskResult } from "../../src/domain/task.ts";
import type { Tensor } from "../../src/domain/tensor.ts";
import type { ExplanationMethod } from "../../src/explain/method.ts";
import { createAnswerCached } from "../../src/inference/answer-cached.ts";
import { createBypassOf } from "../../src/inference/cache-directives.ts";
import { createExplainer } from "../../src/inference/explaining/explain.ts";
import { createManifest } from "./cache-harness.ts";

/** An explainer over a made-up model and methods, whose runs are counted. */
export interface ExplainerHarness {
  /** The batches that were run: rows of each. */
  readonly runs: number[];
  background: KeptBackground | undefined;
  request(options?: ExplainerRequest): {
    readonly call: Call;
    readonly result: Promise<TaskResult>;
  };
}

export interface ExplainerRequest {
  readonly inputs?: unknown;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly stream?: boolean;
  readonly control?: string;
  readonly signal?: AbortSignal;
  readonly limits?: Call["limits"];
}

const TEXTS: readonly Tensor[] = [{ name: "first", datatype: "BYTES", shape: [1], data: ["a"] }];

/**
 * Runs the model `runs` times, one row each, and says what it was asked for.
 * @param suits which inputs it suits; all when left out
 */
export function countingMethod(
  name: string,
  runs: number,
  changes: Partial<Pick<ExplanationMethod, "isGlobal" | "exact">> & {
    readonly suits?: (input: unknown) => boolean;
    readonly announced?: number;
    readonly onRun?: (run: number) => Promise<void> | void;
  } = {},
): ExplanationMethod {
  const { suits = () => true, announced = runs, onRun, isGlobal = false, exact = true } = changes;
  return {
    name,
    summary: `Runs the model ${runs} times.`,
    exact,
    isGlobal,
    parameters: z.object({ [`${name}_step`]: z.int().min(1).default(1) }),
    suits: async ({ inputs }) => suits(inputs),
    plan: async (request) => ({
      space: request.space ?? "output",
      runs: announced,
      async explain() {
        for (let run = 0; run < runs; run++) {
          await request.version.infer(TEXTS, ["first"], 1);
          await onRun?.(run);
        }
        const { inputs, output, seed, maxRuns, limit, parameters, version } = request;
        const kept = await version.background();
        return {
          method: name,
          exact,
          space: request.space ?? "output",
          runs,
          asked: { inputs, output, seed, maxRuns, limit, parameters, kept },
        };
      },
    }),
  };
}

export function createExplainerHarness(
  methods: readonly ExplanationMethod[],
  { maxRuns = 100, maxEntryBytes = 10_000 } = {},
): ExplainerHarness {
  const runs: number[] = [];
  const store = createEntryStore([], undefined, {
    localBytes: 1_000_000,
    maxEntryBytes,
    readTimeoutMs: 1000,
  });
  const harness: Pick<ExplainerHarness, "background"> = { background: undefined };
  const { explain } = createExplainer({
    host: {
      infer: async ({ inputs }) => {
        runs.push(inputs[0]?.shape[0] ?? 0);
        return inputs;
      },
      execute: () => Promise.reject(new Error("there is no task")),
    },
    blocks: async () => undefined,
    readFile: () => Promise.reject(new Error("there are no files")),
    background: { read: async () => harness.background },
    answerCached: createAnswerCached(store, { maxEntryBytes }),
    bypassOf: createBypassOf({ enabled: true }),
    maxRuns,
    methods,
  });
  const manifest = createManifest();
  const model: PublishedModel = {
    name: "echo",
    version: "1",
    revision: "1",
    versions: ["1"],
    manifest,
  };
  return Object.assign(harness, {
    runs,
    request(options: ExplainerRequest = {}) {
      const { inputs = "a", parameters = {}, stream, control, signal, limits } = options;
      const call = createCall({
        cache: parseCacheControl(control),
        ...(signal && { signal }),
        ...(limits && { limits }),
      });
      const result = explain(model, { inputs, parameters, stream }, call);
      result.catch(() => undefined);
      return { call, result };
    },
  });
}

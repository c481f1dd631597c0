import type { LocalWorker } from "../../scripts/local-worker.ts";
import { rotate } from "../statistics.ts";
import { readWorkerd } from "../workerd-process.ts";
import {
  type BuiltWorker,
  checkPlacement,
  type Placement,
  type Runtime,
  readRuntime,
  withPlaced,
} from "./placed-worker.ts";
import { COPY_NAMES } from "./prepare.ts";
import { send } from "./request.ts";
import { sentenceRequest } from "./workloads.ts";

/** Ten models of the size of MiniLM are loaded, then eight of them are asked in turn. */
const ASKED = COPY_NAMES.slice(0, 8);

export interface ManyModelsVariant {
  readonly name: string;
  readonly placement: Placement;
  readonly vars: Readonly<Record<string, string>>;
}

export const MANY_MODELS_VARIANTS: readonly ManyModelsVariant[] = [
  { name: "own isolates", placement: "own", vars: {} },
  { name: "shared cells", placement: "shared", vars: {} },
  {
    name: "shared cells, budget of 1 GiB",
    placement: "shared",
    vars: { MEMORY_BUDGET_BYTES: `${2 ** 30}` },
  },
];

export interface ManyModels {
  /** Resident memory of workerd: before any model, with the first, and with all. */
  readonly residentBytes: { readonly none: number; readonly one: number; readonly all: number };
  /** Models that are loaded when all have been asked once. */
  readonly loaded: number;
  /** Of the models asked in turn. */
  readonly requests: number;
  readonly perSecond: number;
  readonly loads: number;
  readonly evictions: number;
}

/** By variant: one for each round. */
export type ManyModelsResults = Record<string, ManyModels[]>;

export async function measureManyModels(
  built: BuiltWorker,
  round: number,
  seconds: number,
  results: ManyModelsResults,
): Promise<void> {
  for (const { name, placement, vars } of rotate(MANY_MODELS_VARIANTS, round)) {
    const measured = await withPlaced(built, placement, vars, async (worker) => {
      const many = await measure(worker, seconds);
      if (placement === "own") checkPlacement(await readRuntime(worker.url), placement, COPY_NAMES);
      return many;
    });
    results[name] = [...(results[name] ?? []), measured];
  }
}

async function measure({ url }: LocalWorker, seconds: number): Promise<ManyModels> {
  const ask = async (model: string): Promise<void> =>
    void (await send(url, sentenceRequest(model)));
  const none = readWorkerd().residentBytes;
  let one = none;
  for (const model of COPY_NAMES) {
    await ask(model);
    if (one === none) one = readWorkerd().residentBytes;
  }
  const all = readWorkerd().residentBytes;
  const loaded = count(
    await readRuntime(url),
    ({ cells }) => cells.flatMap((c) => c.models).length,
  );
  // The last two evicted some of them, if anything is evicted.
  for (const model of ASKED) await ask(model);
  const before = await readRuntime(url);
  const startMs = performance.now();
  let requests = 0;
  while (performance.now() - startMs < seconds * 1000)
    for (const model of ASKED) {
      await ask(model);
      requests += 1;
    }
  const elapsedMs = performance.now() - startMs;
  const after = await readRuntime(url);
  const added = (of: "loads" | "evictions"): number =>
    count(after, (stats) => stats[of]) - count(before, (stats) => stats[of]);
  return {
    residentBytes: { none, one, all },
    loaded,
    requests,
    perSecond: (requests * 1000) / elapsedMs,
    loads: added("loads"),
    evictions: added("evictions"),
  };
}

/** The sum over the Worker's isolate and those of models. */
function count(runtime: Runtime, of: (stats: Omit<Runtime, "isolates">) => number): number {
  return runtime.isolates.reduce((sum, isolate) => sum + of(isolate), of(runtime));
}

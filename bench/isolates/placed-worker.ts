import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import type { IsolateStats } from "../../src/domain/model-host.ts";
import type { RuntimeStats } from "../../src/domain/ports.ts";
import { rotate } from "../statistics.ts";
import { send } from "./request.ts";

/** Where models run: each in an isolate of its own, or in the cells of the Worker's isolate. */
export const PLACEMENTS = ["own", "shared"] as const;
export type Placement = (typeof PLACEMENTS)[number];
export type ByPlacement<T> = Readonly<Record<Placement, T>>;

/** A built Worker, and the simulated bucket with its models. */
export interface BuiltWorker {
  readonly outdir: string;
  readonly statePath: string;
}

export interface Runtime extends RuntimeStats {
  readonly isolates: readonly IsolateStats[];
}

const ADMIN_KEY = "bench";
export const ADMIN_HEADERS = { authorization: `Bearer ${ADMIN_KEY}` };

/** Starts a fresh process, whose Worker has answered one request that needs no model. */
export async function startPlaced(
  { outdir, statePath }: BuiltWorker,
  placement: Placement,
  vars: Readonly<Record<string, string>> = {},
): Promise<LocalWorker> {
  const worker = await startLocalWorker({
    outdir,
    statePath,
    vars: {
      ADMIN_KEY,
      CACHE_TIERS: "",
      EVENT_LOG: "off",
      MAX_QUEUE_MS: "60000",
      PLACEMENT: placement,
      ...vars,
    },
  });
  try {
    await send(worker.url, { path: "/v2/health/live" });
    return worker;
  } catch (error) {
    await worker.dispose();
    throw error;
  }
}

/** {@link startPlaced} for each placement, first another one in each round. */
export async function withBoth<T>(
  built: BuiltWorker,
  round: number,
  vars: Readonly<Record<string, string>>,
  work: (workers: ByPlacement<LocalWorker>) => Promise<T>,
): Promise<T> {
  const workers: Partial<Record<Placement, LocalWorker>> = {};
  try {
    for (const placement of rotate(PLACEMENTS, round))
      workers[placement] = await startPlaced(built, placement, vars);
    return await work(workers as ByPlacement<LocalWorker>);
  } finally {
    for (const worker of Object.values(workers)) await worker.dispose();
  }
}

export async function withPlaced<T>(
  built: BuiltWorker,
  placement: Placement,
  vars: Readonly<Record<string, string>>,
  work: (worker: LocalWorker) => Promise<T>,
): Promise<T> {
  const worker = await startPlaced(built, placement, vars);
  try {
    return await work(worker);
  } finally {
    await worker.dispose();
  }
}

export async function readRuntime(origin: URL): Promise<Runtime> {
  const { body } = await send(origin, { path: "/admin/runtime", headers: ADMIN_HEADERS });
  return JSON.parse(body.toString()) as Runtime;
}

/** @throws Error when the models do not run where they should */
export function checkPlacement(
  { cells, isolates }: Runtime,
  placement: Placement,
  models: readonly string[],
): void {
  const inIsolates = new Set(isolates.map(({ model }) => model?.name));
  const inCells = new Set(cells.flatMap((cell) => cell.models.map(({ name }) => name)));
  for (const model of models)
    if (
      inIsolates.has(model) !== (placement === "own") ||
      (placement === "own" && inCells.has(model))
    )
      throw new Error(
        `${model} must run in ${placement === "own" ? "an isolate of its own" : "shared cells"}; isolates: ${[...inIsolates].join(", ")}, cells: ${[...inCells].join(", ")}`,
      );
}

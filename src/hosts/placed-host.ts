import { isLackOfMemory } from "../domain/errors.ts";
import type { Manifest } from "../domain/manifest.ts";
import type { CandidateModel, ModelHost } from "../domain/model-host.ts";
import { LruMap } from "../shared/lru-map.ts";
import {
  isDescribedApart,
  needsOwnIsolate,
  type PlacementRules,
  placementOf,
} from "./placement.ts";

export interface PlacedHostOptions {
  /** Runs versions in the cells of this isolate. */
  readonly cells: ModelHost;
  /** Runs each version in an isolate of its own. */
  readonly isolates: ModelHost;
  readonly rules: PlacementRules;
}

export interface PlacedHost {
  readonly host: ModelHost;
  /** Whether all versions of the model of this name that were used have isolates of their own. */
  readonly hasOwnIsolate: (name: string) => boolean;
}

/** Bounds the models whose placement is known. */
const MAX_MODELS = 1000;

interface Versioned {
  readonly manifest: Manifest;
}

/** The host whose versions run in shared cells or in isolates of their own, by their placement. */
export function createPlacedHost({ cells, isolates, rules }: PlacedHostOptions): PlacedHost {
  const placed = new WeakMap<Manifest, ModelHost>();
  /** By the model's name: its versions that were used and run in cells. */
  const inCells = new LruMap<string, Set<string>>(MAX_MODELS);

  function hostOf({ manifest }: Versioned): ModelHost {
    return placed.get(manifest) ?? place(manifest, needsOwnIsolate(manifest, rules));
  }

  function place(manifest: Manifest, isOwn: boolean): ModelHost {
    const host = isOwn ? isolates : cells;
    placed.set(manifest, host);
    const { name, version } = manifest;
    const versions = inCells.get(name) ?? new Set();
    inCells.set(name, versions);
    if (isOwn) versions.delete(version);
    else versions.add(version);
    return host;
  }

  /** A version that turned out to need more memory than models share gets an isolate, unless its placement says otherwise. */
  async function run<T>(model: Versioned, work: (host: ModelHost) => Promise<T>): Promise<T> {
    const { manifest } = model;
    const host = hostOf(model);
    try {
      return await work(host);
    } catch (error) {
      if (host === isolates || !isLackOfMemory(error)) throw error;
      if (placementOf(manifest, rules) !== "auto") throw error;
      return work(place(manifest, true));
    }
  }

  async function describe(
    candidate: CandidateModel,
    waitUntil: Parameters<ModelHost["describe"]>[1],
  ): ReturnType<ModelHost["describe"]> {
    if (isDescribedApart(candidate, rules)) return isolates.describe(candidate, waitUntil);
    try {
      return await cells.describe(candidate, waitUntil);
    } catch (error) {
      if (rules.placement !== "auto" || !isLackOfMemory(error)) throw error;
      return isolates.describe(candidate, waitUntil);
    }
  }

  const host: ModelHost = {
    infer: (request, call) => run(request.model, (host) => host.infer(request, call)),
    execute: (request, call) => run(request.model, (host) => host.execute(request, call)),
    load: (model, waitUntil) => run(model, (host) => host.load(model, waitUntil)),
    describe,
    state: (model) => hostOf(model).state(model),
    unload: (model) => hostOf(model).unload(model),
    async dropKept() {
      const both = [await cells.dropKept(), await isolates.dropKept()];
      return {
        dropped: both.reduce((sum, { dropped }) => sum + dropped, 0),
        unreached: both.reduce((sum, { unreached }) => sum + unreached, 0),
      };
    },
    stats: async () => [...(await cells.stats()), ...(await isolates.stats())],
  };
  return { host, hasOwnIsolate: (name) => inCells.get(name)?.size === 0 };
}

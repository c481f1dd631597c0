import type { Manifest } from "../domain/manifest.ts";
import type { ModelHost } from "../domain/model-host.ts";
import { hasOwnIsolate, isDescribedApart, type PlacementRules } from "./placement.ts";

export interface PlacedHostOptions {
  /** Runs versions in the cells of this isolate. */
  readonly cells: ModelHost;
  /** Runs each version in an isolate of its own. */
  readonly isolates: ModelHost;
  readonly rules: PlacementRules;
  /** Called with each version that is used. */
  readonly onPlaced: (name: string, isOwn: boolean) => void;
}

/** The host whose versions run in shared cells or in isolates of their own, by their placement. */
export function createPlacedHost({
  cells,
  isolates,
  rules,
  onPlaced,
}: PlacedHostOptions): ModelHost {
  const placed = new WeakMap<Manifest, ModelHost>();

  function hostOf({ manifest }: { readonly manifest: Manifest }): ModelHost {
    const known = placed.get(manifest);
    if (known) return known;
    const isOwn = hasOwnIsolate(manifest, rules);
    const host = isOwn ? isolates : cells;
    placed.set(manifest, host);
    onPlaced(manifest.name, isOwn);
    return host;
  }

  return {
    infer: (request, call) => hostOf(request.model).infer(request, call),
    execute: (request, call) => hostOf(request.model).execute(request, call),
    load: (model, waitUntil) => hostOf(model).load(model, waitUntil),
    describe: (candidate, waitUntil) =>
      (isDescribedApart(candidate, rules) ? isolates : cells).describe(candidate, waitUntil),
    state: (model) => hostOf(model).state(model),
    unload: (model) => hostOf(model).unload(model),
    stats: async () => [...(await cells.stats()), ...(await isolates.stats())],
  };
}

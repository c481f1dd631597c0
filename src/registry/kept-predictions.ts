import { ApiError } from "../domain/errors.ts";
import { canarySplitOf } from "../domain/monitoring/canary-pairs.ts";
import { DEFAULT_CANARY } from "../domain/monitoring/monitoring-settings.ts";
import type { CanaryPair } from "../domain/monitoring/prediction-batch.ts";
import type { Routing } from "../domain/routing.ts";
import type { Catalog, KnownModel } from "./catalog.ts";

const NO_PAIRS: readonly CanaryPair[] = [];

/** What is kept of the predictions of a version, and with which ones it is compared: as far as the catalog knows it without reading. */
export function createKeptPredictions(catalog: Pick<Catalog, "peek">, retentionDays: number) {
  const pairs = new WeakMap<Routing, Map<string, readonly CanaryPair[]>>();

  function pairsIn(known: KnownModel, routing: Routing, alias: string): readonly CanaryPair[] {
    const split = canarySplitOf(routing, alias);
    if (!split) return NO_PAIRS;
    const { stable, canaries } = split;
    return canaries.flatMap(({ version: canary, since }): CanaryPair[] => {
      const settingsOf = (version: string) => known.models.get(version)?.manifest.monitoring;
      const { significance, metrics } = settingsOf(canary)?.canary ?? DEFAULT_CANARY;
      const calibrated = [stable, canary].filter((each) => settingsOf(each)?.calibrated);
      return [{ alias, since, stable, canary, significance, metrics, calibrated }];
    });
  }

  return {
    settingsOf(model: string, version: string) {
      const manifest = catalog.peek(model)?.models.get(version)?.manifest;
      if (!manifest) return undefined;
      const { rate = 1, retentionDays: own = retentionDays } = manifest.monitoring?.feedback ?? {};
      return { rate, retentionDays: own };
    },

    pairsOf(model: string, alias: string): readonly CanaryPair[] {
      const known = catalog.peek(model);
      if (!known || known.routing instanceof ApiError) return NO_PAIRS;
      const { routing } = known;
      const ofRouting = pairs.get(routing) ?? new Map<string, readonly CanaryPair[]>();
      const found = ofRouting.get(alias);
      if (found) return found;
      const created = pairsIn(known, routing, alias);
      // Settings of versions that this isolate has not served yet are not known, and looked for again.
      const areKnown = created.every(
        ({ stable, canary }) => known.models.has(stable) && known.models.has(canary),
      );
      if (!areKnown) return NO_PAIRS;
      ofRouting.set(alias, created);
      pairs.set(routing, ofRouting);
      return created;
    },
  };
}

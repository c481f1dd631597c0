import { ApiError } from "../domain/errors.ts";
import type { Manifest } from "../domain/manifest.ts";
import { canarySplitOf } from "../domain/monitoring/canary-pairs.ts";
import { DEFAULT_CANARY } from "../domain/monitoring/manifest-monitoring.ts";
import type { CanaryPair } from "../domain/monitoring/prediction-batch.ts";
import type { Routing } from "../domain/routing.ts";
import type { Catalog, KnownModel } from "./catalog.ts";

const NO_PAIRS: readonly CanaryPair[] = [];

interface KeptSettings {
  readonly rate: number;
  readonly retentionDays: number;
}

/**
 * What is kept of the predictions of a version, and with which ones it is compared: as far as the catalog knows it without reading. It is asked when
 * requests end, when the listing by which they were resolved may have become too old for others.
 */
export function createKeptPredictions(
  catalog: Pick<Catalog, "lastKnown" | "peekManifest">,
  retentionDays: number,
) {
  const settings = new WeakMap<KnownModel, Map<string, KeptSettings>>();
  const pairs = new WeakMap<Routing, Map<string, readonly CanaryPair[]>>();

  function manifestOf({ name, entries }: KnownModel, version: string): Manifest | undefined {
    const entry = entries.find((each) => each.version === version);
    return entry && catalog.peekManifest({ name, ...entry });
  }

  /** @returns `undefined` while the manifest of a version is not known, because this isolate has not served it yet */
  function pairsIn(
    known: KnownModel,
    routing: Routing,
    alias: string,
  ): readonly CanaryPair[] | undefined {
    const split = canarySplitOf(routing, alias);
    if (!split) return NO_PAIRS;
    const { stable, canaries } = split;
    const ofStable = manifestOf(known, stable);
    const found: CanaryPair[] = [];
    for (const { version: canary, since } of canaries) {
      const ofCanary = manifestOf(known, canary);
      if (!ofStable || !ofCanary) return undefined;
      const { significance, metrics } = ofCanary.monitoring?.canary ?? DEFAULT_CANARY;
      const calibrated = [ofStable, ofCanary]
        .filter(({ monitoring }) => monitoring?.calibrated)
        .map(({ version }) => version);
      found.push({ alias, since, stable, canary, significance, metrics, calibrated });
    }
    return found;
  }

  return {
    settingsOf(model: string, version: string): KeptSettings | undefined {
      const known = catalog.lastKnown(model);
      if (!known) return undefined;
      const ofModel = settings.get(known) ?? new Map<string, KeptSettings>();
      const found = ofModel.get(version);
      if (found) return found;
      const manifest = manifestOf(known, version);
      if (!manifest) return undefined;
      const { rate = 1, retentionDays: own = retentionDays } = manifest.monitoring?.feedback ?? {};
      const created = { rate, retentionDays: own };
      ofModel.set(version, created);
      settings.set(known, ofModel);
      return created;
    },

    pairsOf(model: string, alias: string): readonly CanaryPair[] {
      const known = catalog.lastKnown(model);
      if (!known || known.routing instanceof ApiError) return NO_PAIRS;
      const { routing } = known;
      const ofRouting = pairs.get(routing) ?? new Map<string, readonly CanaryPair[]>();
      const found = ofRouting.get(alias);
      if (found) return found;
      const created = pairsIn(known, routing, alias);
      if (!created) return NO_PAIRS;
      ofRouting.set(alias, created);
      pairs.set(routing, ofRouting);
      return created;
    },
  };
}

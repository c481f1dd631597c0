import type { Config } from "../config.ts";
import { shardOf } from "../domain/monitoring/collector.ts";
import {
  toAccuracyFinding,
  toCanaryFinding,
  toDriftFinding,
} from "../monitoring/alerts/findings.ts";
import { createDriftReader } from "../monitoring/drift/drift-reader.ts";
import type { MetricsEnvironment } from "../monitoring/environment.ts";
import { createCatalog } from "../registry/catalog.ts";
import { createKnownProfiles } from "../registry/profiles/known-profiles.ts";
import { createModelStore } from "../storage/model-store.ts";
import { createProfileStore } from "../storage/profile-store.ts";
import { createAccuracyServices } from "./accuracy.ts";
import type { MetricsShards } from "./monitoring.ts";
import { createObjects } from "./storage.ts";

const DAY_SECONDS = 86_400;
const DAY_MS = DAY_SECONDS * 1000;
/** Of truths that say what accuracy is expected. */
const PAST_DAYS = 30;

/** What drift, canaries and accuracy say of versions, read by the Durable Object of alerts itself. */
export function createAlertReports(
  bucket: R2Bucket,
  config: Config,
  shards: MetricsShards,
): MetricsEnvironment["reports"] {
  const { objects } = createObjects(bucket, config);
  const catalog = createCatalog(createModelStore(objects), {
    listingTtlSeconds: config.catalogTtlSeconds,
    readProfile: createKnownProfiles(createProfileStore(objects)),
  });
  const drift = createDriftReader({
    windows: ({ model, ...request }) => shards(shardOf(model)).windows(request),
    profile: async ({ name, version }) => (await catalog.resolve(name, version)).profile,
    defaults: config.drift,
    retention: config.monitoring.policy,
    onlyEnded: true,
  });
  const { accuracy } = createAccuracyServices(shards, catalog, undefined);

  async function accuracyOf(model: string, version: string, days: number) {
    const to = Date.now();
    const request = { from: to - days * DAY_MS, to, version, stepSeconds: DAY_SECONDS };
    const report = await accuracy?.report(model, request);
    return report?.versions.find((each) => each.version === version);
  }

  return async (model, version) => {
    const [drifted, canaries, recent, past] = await Promise.all([
      drift.report({ name: model, version }),
      shards(shardOf(model)).canaryReports(),
      accuracyOf(model, version, 1),
      accuracyOf(model, version, PAST_DAYS),
    ]);
    return {
      drift: toDriftFinding(drifted),
      canary: toCanaryFinding(canaries, version, Date.now()),
      accuracy: toAccuracyFinding(recent, past),
    };
  };
}

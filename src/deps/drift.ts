import type { ModelHost } from "../domain/model-host.ts";
import { shardOf } from "../domain/monitoring/collector.ts";
import type { DriftRules } from "../domain/monitoring/drift-fields.ts";
import type { DriftReader } from "../domain/monitoring/drift-report.ts";
import { createProfileMaker, type ProfileMaker } from "../inference/profiling/make-profile.ts";
import { createDriftReader, type DriftSources } from "../monitoring/drift/drift-reader.ts";
import type { Catalog } from "../registry/catalog.ts";
import { createTask } from "../tasks/registry.ts";
import type { MetricsShards } from "./monitoring.ts";

export interface DriftParts {
  readonly catalog: Pick<Catalog, "resolve">;
  readonly host: Pick<ModelHost, "infer" | "execute">;
  /** `undefined` where nothing is collected. */
  readonly shards: MetricsShards | undefined;
  readonly rules: DriftRules;
  readonly retention: DriftSources["retention"];
}

/** What makes reference profiles, and what compares requests with them. */
export function createDrift({ catalog, host, shards, rules, retention }: DriftParts): {
  readonly profileMaker: ProfileMaker;
  readonly drift: DriftReader | undefined;
} {
  return {
    profileMaker: createProfileMaker({
      host,
      // Only of tables and arrays, which need no files and no codecs.
      createTask: ({ manifest }) => createTask(manifest, refuse, { decodeImage: refuse }),
    }),
    drift:
      shards &&
      createDriftReader({
        windows: ({ model, ...request }) => shards(shardOf(model)).windows(request),
        profile: async ({ name, version }) => (await catalog.resolve(name, version)).profile,
        defaults: rules,
        retention,
      }),
  };
}

function refuse(): never {
  throw new Error("the task of numbers reads no files and no images");
}

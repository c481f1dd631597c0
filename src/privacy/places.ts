/**
 * Every place in which something is kept, and its store, or why an erasure leaves it alone. `docs/privacy.md` has a row for each. Tests
 * fail for a binding, a key of R2 or KV, a table of the authority, or a module with memory of its own that none of them names.
 */

/** Places that an erasure goes through, each by a `PersonalDataStore`. */
export const STORE_NAMES = [
  "predictions",
  "captures",
  "prefixes",
  "events",
  "keys",
  "collected",
] as const;
export type StoreName = (typeof STORE_NAMES)[number];

export interface Place {
  /** The first column of its row in `docs/privacy.md`. */
  readonly name: string;
  /** Its store, or why it has none. */
  readonly coverage: StoreName | { readonly reason: string };
  /** The bindings that it is in. */
  readonly bindings?: readonly string[];
  /** The beginnings of its keys in R2 or KV. */
  readonly prefixes?: readonly string[];
  /** Tables of the authority. */
  readonly tables?: readonly string[];
  /** Modules of `src` that have it in memory. */
  readonly modules?: readonly string[];
}

const NO_REQUESTS = "nothing of requests, keys or people is there";

export const PLACES: readonly Place[] = [
  {
    name: "R2 `captures/`",
    coverage: "captures",
    bindings: ["MODELS"],
    prefixes: ["captures/"],
  },
  {
    name: "KV `prediction/`",
    coverage: "predictions",
    bindings: ["CACHE"],
    prefixes: ["prediction/"],
  },
  { name: "Cache API", coverage: "predictions" },
  {
    name: "memory: cache",
    coverage: "predictions",
    modules: ["cache/local-tier.ts"],
  },
  {
    name: "memory: prefixes",
    coverage: "prefixes",
    modules: ["tasks/generation/kept-prefixes.ts"],
  },
  {
    name: "memory: last events",
    coverage: "events",
    modules: ["telemetry/event-log.ts"],
  },
  {
    name: "`KEYS`: keys",
    coverage: "keys",
    bindings: ["KEYS"],
    tables: ["keys", "key_digests"],
  },
  {
    name: "`KEYS`: budgets",
    coverage: "keys",
    tables: ["budget_windows", "budget_slices"],
  },
  { name: "`KEYS`: audit", coverage: "keys", tables: ["audit"] },
  {
    name: "`METRICS`: windows",
    coverage: "collected",
    bindings: ["METRICS"],
    tables: ["minutes", "hours", "totals", "collector_state", "models", "forgotten", "erasures"],
  },
  {
    name: "`METRICS`: predictions",
    coverage: "collected",
    tables: ["prediction_segments", "truths"],
    modules: [
      "telemetry/predictions/canary-counts.ts",
      "telemetry/predictions/prediction-buffer.ts",
      "monitoring/accuracy/hash-list.ts",
      "monitoring/accuracy/prediction-segments.ts",
    ],
  },
  {
    name: "`METRICS`: accuracy",
    coverage: { reason: "numbers, which belong to nobody" },
    tables: ["truth_sums", "canaries"],
  },
  {
    name: "`METRICS`: alerts",
    coverage: "collected",
    tables: ["alerts", "alert_history", "webhook_messages", "webhook_deliveries"],
  },
  {
    name: "`METRICS`: rules and webhooks",
    coverage: { reason: NO_REQUESTS },
    tables: ["alert_state", "webhooks"],
  },
  {
    name: "memory: collected",
    coverage: "collected",
    modules: [
      "monitoring/alerts/read-readings.ts",
      "monitoring/collector/model-list.ts",
      "monitoring/collector/pending-windows.ts",
      "monitoring/collector/recent-events.ts",
      "monitoring/collector/senders.ts",
      "telemetry/aggregation/aggregation.ts",
      "telemetry/aggregation/shard-outbox.ts",
    ],
  },
  {
    name: "KV `purge/`",
    coverage: { reason: "it is what keeps erased data from being used" },
    prefixes: ["purge/"],
    modules: ["cache/purge-list.ts", "cache/purge-index.ts", "domain/erasure-index.ts"],
  },
  {
    name: "R2 `models/`",
    coverage: { reason: NO_REQUESTS },
    prefixes: ["models/"],
    modules: [
      "hosts/isolate/model-isolate/isolate-server.ts",
      "deps/explaining.ts",
      "explain/graph/read-explainable-graph.ts",
      "hosts/cell-host.ts",
      "hosts/placed-host.ts",
      "registry/backgrounds/known-backgrounds.ts",
      "registry/catalog.ts",
      "registry/manifest-survey.ts",
      "registry/profiles/known-profiles.ts",
      "registry/readiness.ts",
      "registry/unknown-names.ts",
      "runtime/heap-estimates.ts",
      "runtime/model-loader.ts",
      "runtime/model-pool.ts",
      "tasks/audio/resampling-filters.ts",
      "tasks/generation/constraint/characters.ts",
    ],
  },
  { name: "R2 `uploads/`", coverage: { reason: NO_REQUESTS }, prefixes: ["uploads/"] },
  { name: "R2 `ready/`", coverage: { reason: NO_REQUESTS }, prefixes: ["ready/"] },
  {
    name: "logs",
    coverage: {
      reason: "the service can only write them, and they hold no values of inputs",
    },
  },
  {
    name: "`ANALYTICS`",
    coverage: { reason: "the service can only write there, and rows hold no inputs and outputs" },
    bindings: ["ANALYTICS"],
  },
  {
    name: "`OTLP_ENDPOINT`",
    coverage: { reason: "the service can only write there, and records name no client or person" },
  },
  {
    name: "memory: statistics",
    coverage: { reason: "numbers, which belong to nobody" },
    modules: [
      "guard/cpu-costs.ts",
      "inference/admission-by-isolate.ts",
      "inference/explaining/run-cost.ts",
      "inference/service-times.ts",
      "telemetry/cache-statistics.ts",
      "telemetry/event-losses.ts",
      "telemetry/inference-statistics.ts",
      "telemetry/aggregation/isolate-totals.ts",
      "telemetry/shadow-statistics.ts",
    ],
  },
  {
    name: "memory: requests in flight",
    coverage: { reason: "it is gone with the response, or 25 seconds later" },
    modules: [
      "guard/ticket.ts",
      "inference/admission.ts",
      "inference/answer-cached.ts",
      "inference/answer-flight.ts",
      "inference/body-budget.ts",
      "inference/captures.ts",
      "inference/fair-queue.ts",
      "inference/run-cached.ts",
      "inference/shadow-copies.ts",
      "tasks/generation/constraint/constraints.ts",
    ],
  },
  {
    name: "memory: credentials",
    coverage: { reason: "what was erased is refused within 5 seconds, and forgotten with that" },
    modules: [
      "guard/key-budgets.ts",
      "guard/key-identifier.ts",
      "guard/known-keys.ts",
      "guard/limiter.ts",
      "guard/tokens/issuer-keys.ts",
      "guard/tokens/key-set.ts",
      "guard/tokens/verified-tokens.ts",
    ],
  },
  {
    name: "memory: failed attempts",
    coverage: { reason: "it expires within minutes, and tells of no key that is valid" },
    modules: ["guard/authenticator.ts", "guard/guesses.ts"],
  },
  {
    name: "`RATE_LIMITER`",
    coverage: { reason: "it expires within a minute, by the platform" },
    bindings: ["RATE_LIMITER"],
  },
  {
    name: "`LOADER`",
    coverage: "prefixes",
    bindings: ["LOADER"],
    modules: ["hosts/isolate/worker/isolate-host.ts"],
  },
  {
    name: "`ASSETS`",
    coverage: { reason: "it has the files of the dashboard, which are the same for everybody" },
    bindings: ["ASSETS"],
  },
];

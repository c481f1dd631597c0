import * as z from "zod";
import {
  checkAudiences,
  TOKEN_FIELDS,
  toAccessSettings,
  toTokenSettings,
} from "./domain/access/token-fields.ts";
import { ALERT_FIELDS, toAlertSettings } from "./domain/alerts/alert-settings.ts";
import { CACHE_TIERS } from "./domain/cache.ts";
import { parseEncryptionKeys } from "./domain/encryption-key.ts";
import { EVENT_FIELDS, toEventSettings } from "./domain/event-settings.ts";
import { DRIFT_FIELDS, toDriftRules } from "./domain/monitoring/drift-fields.ts";
import { MONITORING_FIELDS, toMonitoringSettings } from "./domain/monitoring/monitoring-fields.ts";
import { OTLP_FIELDS, readOtlpSecrets, toOtlpSettings } from "./domain/otlp-settings.ts";
import { parsedBy } from "./domain/parsed-setting.ts";
import { PLACEMENTS } from "./domain/placement.ts";
import { parsePublicKeys } from "./domain/signature/public-key.ts";
import { ANY_ORIGIN, originProblem } from "./domain/web-origin.ts";

/** The settings of a deployment: `[vars]` of wrangler.toml. Every one has a default. */
const settingsSchema = z.object({
  /** Largest request body, in bytes, counted while it is read. */
  MAX_BODY_BYTES: z.coerce.number().int().min(1).max(100_000_000).default(16_777_216),
  /** Largest memory of the bodies of all requests in flight in one isolate, in bytes; at least `MAX_BODY_BYTES`. */
  MAX_BODIES_BYTES: z.coerce.number().int().min(1).default(33_554_432),
  /** Largest model that can be published, in bytes. */
  MAX_MODEL_BYTES: z.coerce.number().int().min(1).default(67_108_864),
  /** A secret, not a var: the key of the admin routes, which are disabled without it. Spaces around it do not count. */
  ADMIN_KEY: z
    .string()
    .trim()
    .transform((key) => key || undefined)
    .optional(),
  /** A secret: the key with which objects in the bucket are encrypted, base64 of 32 bytes; without it they are plain. */
  ENCRYPTION_KEY: z
    .string()
    .default("")
    .transform(parsedBy(parseEncryptionKeys))
    .refine(
      (keys) => keys.length <= 1,
      "there is one key for writing: others are ENCRYPTION_KEYS_OLD",
    ),
  /** A secret: keys of before, separated by commas, with which objects are still read. */
  ENCRYPTION_KEYS_OLD: z.string().default("").transform(parsedBy(parseEncryptionKeys)),
  /** A secret: base64 of 32 bytes, for the hashes of subjects, the encryption of captures and the signature of receipts. */
  PRIVACY_KEY: z
    .string()
    .default("")
    .transform(parsedBy(parseEncryptionKeys))
    .refine((keys) => keys.length <= 1, "there is one key: a second one has no use"),
  /** Public keys of those who may sign versions: PEM or base64; with any, versions that are not signed are refused. */
  SIGNING_PUBLIC_KEYS: z.string().default("").transform(parsedBy(parsePublicKeys)),
  /** Whether anybody may predict, and list and describe models: "true", or "false" for clients with a key alone. */
  PUBLIC_PREDICT: z.enum(["true", "false"]).default("false"),
  /** Who may read `/metrics`: "off" for clients with a key of the scope `metrics`, or "on" for anybody. */
  PUBLIC_METRICS: z.enum(["on", "off"]).default("off"),
  /** How long API keys that are known go on while their authority is out of reach, from its last answer, in seconds. */
  KEY_GRACE_SECONDS: z.coerce.number().min(0).max(86_400).default(600),
  /** Who may load and unload models through `/v2/repository`: "admin" needs the key, "open" does not. */
  REPOSITORY_CONTROL: z.enum(["admin", "open"]).default("admin"),
  /** How long a listing of versions stays fresh: the longest delay until a new version is served. */
  CATALOG_TTL_SECONDS: z.coerce.number().min(0).max(3600).default(8),
  /** The key of an object in the bucket of models that must exist before the server is ready. */
  READY_OBJECT: z.string().min(1).max(1024).optional(),
  /** Memory for loaded models, of the isolate's 128 MB, in bytes. */
  MEMORY_BUDGET_BYTES: z.coerce.number().int().min(16_777_216).default(100_663_296),
  /** Where models run whose manifests do not say it: "auto", "shared" (no isolate of their own) or "own". */
  PLACEMENT: z.enum(PLACEMENTS).default("auto"),
  /** With "auto", a model that needs more heap than this has an isolate of its own, in bytes. */
  OWN_ISOLATE_FROM_BYTES: z.coerce.number().int().min(0).default(16_777_216),
  /** Memory for the model in an isolate of its own, of the isolate's 128 MB, in bytes. */
  OWN_ISOLATE_BUDGET_BYTES: z.coerce.number().int().min(16_777_216).default(109_051_904),
  /** Largest number of predictions in flight in one isolate. */
  MAX_IN_FLIGHT: z.coerce.number().int().min(1).default(128),
  /** Longest estimated wait in the queue that is accepted, in milliseconds. */
  MAX_QUEUE_MS: z.coerce.number().min(0).default(1000),
  /** Longest deadline of a request, and that of a request without one, in milliseconds. */
  TIMEOUT_MS: z.coerce.number().min(1).default(30_000),
  /** Rows that one request may run its model for to explain what it answers. */
  MAX_EXPLANATION_RUNS: z.coerce.number().int().min(1).max(10_000_000).default(250_000),
  /** How long storage may take to answer a call, and to go on in the middle of an object, in milliseconds; three times that for writes. */
  STORAGE_TIMEOUT_MS: z.coerce.number().min(1).max(600_000).default(10_000),
  /** Tiers of the prediction cache, separated by commas; an empty value disables it. */
  CACHE_TIERS: z
    .string()
    .default(CACHE_TIERS.join(","))
    .transform((text) => text.split(",").filter((name) => name.trim() !== ""))
    .pipe(z.array(z.string().trim().pipe(z.enum(CACHE_TIERS))))
    .readonly(),
  /** When the remote tiers are read: "always", or "auto", when that is likely to be faster than a run. */
  CACHE_OUTER_TIERS: z.enum(["auto", "always"]).default("auto"),
  /** Largest memory of the cache in one isolate, in bytes. */
  CACHE_ISOLATE_BYTES: z.coerce.number().int().min(0).default(8_388_608),
  /** Largest cache entry, in bytes; larger ones are not stored. KV accepts 25 MiB at most. */
  CACHE_MAX_ENTRY_BYTES: z.coerce.number().int().min(0).max(26_000_000).default(1_048_576),
  /** Timeout for reading a remote tier, in milliseconds; it counts as a miss. */
  CACHE_READ_TIMEOUT_MS: z.coerce.number().min(1).default(250),
  /** Origins whose pages may call the API from a browser, separated by commas, or `*`; none by default. */
  CORS_ORIGINS: z
    .string()
    .default("")
    .transform((text) => text.split(",").map((origin) => origin.trim()))
    .transform((origins) => [...new Set(origins.filter((origin) => origin !== ""))])
    .superRefine((origins, context) => {
      const problems = origins.map(originProblem).filter((problem) => problem !== undefined);
      if (origins.length > 1 && origins.includes(ANY_ORIGIN))
        problems.push("* allows every origin, so no other may be beside it");
      for (const message of problems) context.addIssue({ code: "custom", message });
    })
    .readonly(),
  ...EVENT_FIELDS,
  ...MONITORING_FIELDS,
  ...DRIFT_FIELDS,
  ...OTLP_FIELDS,
  ...ALERT_FIELDS,
  ...TOKEN_FIELDS,
});

export type SettingName = keyof typeof settingsSchema.shape;

/** The names of all settings, each of which docs/configuration.md describes. */
export const SETTING_NAMES: readonly string[] = Object.keys(settingsSchema.shape);

const SECRETS = [
  "ADMIN_KEY",
  "ENCRYPTION_KEY",
  "ENCRYPTION_KEYS_OLD",
  "PRIVACY_KEY",
] as const satisfies readonly (SettingName | "PRIVACY_KEY")[];

/** The secrets of a deployment, each by itself, also those that are not valid. */
export function readSecrets(
  vars: Readonly<Partial<Record<(typeof SECRETS)[number] | "OTLP_HEADERS", unknown>>>,
): string[] {
  const plain = SECRETS.flatMap((name) => {
    const value = vars[name];
    if (typeof value !== "string") return [];
    return value.split(",").map((part) => part.trim());
  });
  return [...plain, ...readOtlpSecrets(vars.OTLP_HEADERS)].filter((secret) => secret !== "");
}

/** `undefined` without a key. */
function toEncryption(
  key: Uint8Array<ArrayBuffer> | undefined,
  oldKeys: readonly Uint8Array<ArrayBuffer>[],
) {
  return key && Object.freeze({ key, oldKeys });
}

const configSchema = settingsSchema.superRefine(checkAudiences).transform((settings) =>
  Object.freeze({
    maxBodyBytes: settings.MAX_BODY_BYTES,
    // Alone, a body of the largest size is always accepted.
    maxBodiesBytes: Math.max(settings.MAX_BODIES_BYTES, settings.MAX_BODY_BYTES + 65_536),
    maxModelBytes: settings.MAX_MODEL_BYTES,
    adminKey: settings.ADMIN_KEY,
    signingKeys: settings.SIGNING_PUBLIC_KEYS,
    privacyKey: settings.PRIVACY_KEY[0],
    encryption: toEncryption(settings.ENCRYPTION_KEY[0], settings.ENCRYPTION_KEYS_OLD),
    publicPredict: settings.PUBLIC_PREDICT === "true",
    publicMetrics: settings.PUBLIC_METRICS === "on",
    keyGraceSeconds: settings.KEY_GRACE_SECONDS,
    repositoryControl: settings.REPOSITORY_CONTROL,
    catalogTtlSeconds: settings.CATALOG_TTL_SECONDS,
    readyObject: settings.READY_OBJECT,
    memoryBudgetBytes: settings.MEMORY_BUDGET_BYTES,
    placement: settings.PLACEMENT,
    ownIsolateFromBytes: settings.OWN_ISOLATE_FROM_BYTES,
    ownIsolateBudgetBytes: settings.OWN_ISOLATE_BUDGET_BYTES,
    maxInFlight: settings.MAX_IN_FLIGHT,
    maxQueueMs: settings.MAX_QUEUE_MS,
    timeoutMs: settings.TIMEOUT_MS,
    maxExplanationRuns: settings.MAX_EXPLANATION_RUNS,
    storageTimeoutMs: settings.STORAGE_TIMEOUT_MS,
    cache: Object.freeze({
      tiers: settings.CACHE_TIERS,
      remoteTiers: settings.CACHE_OUTER_TIERS,
      isolateBytes: settings.CACHE_ISOLATE_BYTES,
      maxEntryBytes: settings.CACHE_MAX_ENTRY_BYTES,
      readTimeoutMs: settings.CACHE_READ_TIMEOUT_MS,
    }),
    corsOrigins: settings.CORS_ORIGINS,
    events: toEventSettings(settings),
    monitoring: toMonitoringSettings(settings),
    drift: toDriftRules(settings),
    otlp: toOtlpSettings(settings),
    alerts: toAlertSettings(settings),
    tokens: toTokenSettings(settings),
    access: toAccessSettings(settings),
  }),
);

/** The validated settings with their defaults, frozen. */
export type Config = z.output<typeof configSchema>;

/** @throws Error that lists every invalid setting by its name */
export function parseConfig(vars: unknown): Config {
  const result = configSchema.safeParse(vars);
  if (!result.success)
    throw new Error(`invalid settings in [vars]:\n${z.prettifyError(result.error)}`);
  return result.data;
}

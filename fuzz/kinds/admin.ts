import { AUTHORIZATION, SCRATCH_PREFIX } from "../admin-key.ts";
import type { FuzzKind } from "../fuzz-kind.ts";
import type { FuzzRequest } from "../http/request.ts";
import { hostileText } from "../mutate/hostile-text.ts";
import { type JsonNode, toJsonText, toTree } from "../mutate/json-tree.ts";
import { mutateBytes } from "../mutate/mutate-bytes.ts";
import { mutateTree } from "../mutate/mutate-json.ts";
import type { Random } from "../random.ts";
import type { Samples } from "../samples/samples.ts";

const PURGES: readonly JsonNode[] = [
  { all: true },
  { model: "iris-logistic" },
  { model: "iris-logistic", version: "1" },
  { client: "a" },
].map(toTree);
/** Cheap to load again. */
const RELOADED = ["iris-logistic", "wine-decision-tree", "diabetes-linear"];

/** Only scopes that do no harm: the keys are as real as all others. */
const KEYS: readonly JsonNode[] = [
  { name: "fuzz", scopes: ["predict"], models: ["iris-*"], limits: { tokens: 5, batch: 2 } },
  { name: "fuzz", scopes: ["models:read"], rate: { requestsPerMinute: 60 }, concurrency: 2 },
  { name: "fuzz", scopes: ["metrics"], expiresAt: "2099-01-31T00:00:00Z", owner: "a", notes: "" },
].map(toTree);
const KEY_PATCHES: readonly JsonNode[] = [
  { quota: { requestsPerDay: 5, tokensPerDay: null }, models: null },
  { disabled: true },
  { overlapSeconds: 60 },
].map(toTree);
const KEY_IDS = [
  "Kq3v0XyWm2Bt",
  "0",
  "of_live_",
  "%2e%2e",
  "a%00",
  "' OR 1=1 --".replaceAll(" ", "+"),
];

type Create = (random: Random, samples: Samples) => FuzzRequest;

const CREATE: readonly { readonly weight: number; readonly create: Create }[] = [
  {
    weight: 2,
    create: (random) =>
      request(
        "GET",
        `/admin/${random.pick(["models", "runtime", "cache", "events", "events?status=4xx", "models/iris-logistic/shadow", "", "a"])}`,
      ),
  },
  {
    weight: 4,
    create: (random) => {
      const body = Buffer.from(toJsonText(mutateTree(random.pick(PURGES), random)));
      return request(
        "POST",
        "/admin/cache/purge",
        random.chance(0.9) ? body : mutateBytes(body, random),
      );
    },
  },
  {
    weight: 2,
    create: (random) => {
      const [action, name] = [random.pick(["load", "unload"]), random.pick(RELOADED)];
      const body = toJsonText(
        mutateTree(toTree({ parameters: { unload_dependents: false } }), random),
      );
      return request("POST", `/v2/repository/models/${name}/${action}`, Buffer.from(body));
    },
  },
  {
    weight: 2,
    create: (random) =>
      request("DELETE", `/admin/models/${scratchName(random)}/versions/${version(random)}`),
  },
  {
    weight: 2,
    create: (random) => {
      const query = random.pick([
        "",
        "?limit=2",
        "?limit=0",
        "?cursor=a",
        "?state=revoked",
        "?owner=",
      ]);
      if (random.chance(0.3)) return request("GET", `/admin/keys${query}`);
      const body = Buffer.from(toJsonText(mutateTree(random.pick(KEYS), random)));
      return request("POST", "/admin/keys", random.chance(0.9) ? body : mutateBytes(body, random));
    },
  },
  {
    weight: 1,
    create: (random) => {
      const [method, verb] = random.pick([
        ["GET", ""],
        ["DELETE", ""],
        ["PATCH", ""],
        ["POST", "/rotate"],
      ] as const);
      const body = toJsonText(mutateTree(random.pick(KEY_PATCHES), random));
      const target = `/admin/keys/${random.pick(KEY_IDS)}${verb}`;
      return request(method, target, method === "GET" ? undefined : Buffer.from(body));
    },
  },
  {
    weight: 2,
    create: (random, samples) => {
      // Not a model at all, or one at a name or a version that is refused.
      const model = samples.models[0]?.bytes ?? new Uint8Array();
      const body = random.pick([
        Buffer.from(hostileText(random)),
        mutateBytes(model, random),
        random.bytes(200),
      ]);
      const target = `/admin/models/${scratchName(random)}/versions/${version(random)}`;
      const type = random.pick([
        "application/octet-stream",
        "application/json",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
      ]);
      return request("PUT", target, body, type);
    },
  },
];

export const admin: FuzzKind = {
  name: "admin",
  description:
    "admin routes with the key: purges, load and unload, API keys, versions of scratch models, uploads that are no models",
  weight: 3,
  create: (random, samples) => random.pickWeighted(CREATE).create(random, samples),
};

function request(
  method: string,
  target: string,
  body?: Uint8Array,
  contentType = "application/json",
): FuzzRequest {
  return { method, target, headers: [AUTHORIZATION, ["content-type", contentType]], body };
}

function scratchName(random: Random): string {
  const suffix = random.pick(["a", "b", "A", "%2e", "a..b", "é", "a".repeat(80), "a%00", ""]);
  return `${SCRATCH_PREFIX}${Buffer.from(suffix).toString("latin1")}`;
}

function version(random: Random): string {
  return random.pick(["1", "2", "0", "-1", "01", "9".repeat(20), "a", "1.5", "%31", ""]);
}

import type { FuzzKind } from "../fuzz-kind.ts";
import { type FuzzRequest, toByteString } from "../http/request.ts";
import { hostileText } from "../mutate/hostile-text.ts";
import { toJsonText } from "../mutate/json-tree.ts";
import type { Random } from "../random.ts";

/** Every route; a test compares them with the OpenAPI document. */
export const ROUTES = [
  "GET /",
  "GET /docs",
  "GET /openapi.json",
  "POST /models/{model}",
  "GET /v1/models",
  "GET /v1/models/{model}",
  "POST /v1/models/{model}:predict",
  "POST /v1/embeddings",
  "GET /v2",
  "GET /v2/health/live",
  "GET /v2/health/ready",
  "GET /v2/models",
  "GET /v2/models/stats",
  "GET /v2/models/{model}",
  "GET /v2/models/{model}/ready",
  "GET /v2/models/{model}/config",
  "GET /v2/models/{model}/stats",
  "POST /v2/models/{model}/infer",
  "POST /v2/repository/index",
  "POST /v2/repository/models/{model}/load",
  "POST /v2/repository/models/{model}/unload",
  "GET /v2/systemsharedmemory/status",
  "GET /v2/cudasharedmemory/region/{model}/status",
  "GET /v2/trace/setting",
  "GET /v2/logging",
  "GET /admin/models",
  "GET /admin/runtime",
  "GET /admin/cache",
  "POST /admin/cache/purge",
  "PUT /admin/models/{model}/versions/1",
  "DELETE /admin/models/{model}/versions/1",
] as const;

const METHODS = [
  "GET",
  "POST",
  "HEAD",
  "OPTIONS",
  "PUT",
  "DELETE",
  "PATCH",
  "TRACE",
  "QUERY",
  "get",
  "PROPFIND",
  "FOO",
];
const VERSIONS = [
  "1",
  "2",
  "0",
  "-1",
  "01",
  "1.0",
  "1e0",
  "latest",
  "9".repeat(30),
  " 1",
  "%31",
  "",
  "a",
];
const SEGMENTS = [
  "..",
  ".",
  "%2e%2e",
  "%2F",
  "%5c",
  "%",
  "%zz",
  "%00",
  "%ff",
  "%C3%A9",
  "%ED%A0%80",
  ":predict",
  ":explain",
  "@1",
  "*",
  ";a",
  "~",
  "constructor",
  "__proto__",
  "toString",
];

export const paths: FuzzKind = {
  name: "paths",
  description: "every route with hostile names, versions, encodings, query strings and methods",
  weight: 9,
  create(random, samples) {
    const [method = "GET", route = "/"] = random.pick(ROUTES).split(" ");
    const model = random.chance(0.5) ? random.pick(samples.modelNames) : hostileName(random);
    let target = route.replace("{model}", model);
    if (random.chance(0.3) && route.includes("{model}"))
      target = `${target.replace(model, `${model}/versions/${random.pick(VERSIONS)}`)}`;
    if (random.chance(0.35)) target = mutateTarget(target, random);
    if (random.chance(0.25)) target += hostileQuery(random);
    const sent = random.chance(0.75) ? method : random.pick(METHODS);
    const request: FuzzRequest = { method: sent, target, headers: [] };
    if (!/^(POST|PUT|PATCH|QUERY)$/.test(sent)) return request;
    const { body } = random.pickWeighted(samples.json);
    const type: [string, string] = ["content-type", "application/json"];
    return {
      ...request,
      headers: [type],
      body: Buffer.from(random.chance(0.8) ? toJsonText(body) : ""),
    };
  },
};

function hostileName(random: Random): string {
  const choice = random.next();
  if (choice < 0.4) return random.pick(SEGMENTS);
  if (choice < 0.6)
    return `${random.pick(["iris-logistic", "a", "fuzz-strings"])}${random.pick(SEGMENTS)}`;
  if (choice < 0.65)
    return random.pick(["a", "%41", "é", "a/"]).repeat(random.pick([64, 300, 5000]));
  const text = hostileText(random).slice(0, 3000);
  return random.chance(0.7) ? encode(text) : toByteString(text).replaceAll(/[\r\n]/g, "");
}

/** `encodeURIComponent` refuses halves of surrogate pairs. */
function encode(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}

function mutateTarget(target: string, random: Random): string {
  const at = 1 + random.below(target.length);
  const segment = random.pick(SEGMENTS);
  return random.pick([
    () => `${target}/`,
    () => `/${target}`,
    () => target.replaceAll("/", "//"),
    () => `${target.slice(0, at)}${segment}${target.slice(at)}`,
    () => `${target.slice(0, at)}/${segment}/${target.slice(at)}`,
    () => target.slice(0, at),
    () => target.toUpperCase(),
    () => encode(target).replaceAll("%2f", "/"),
    () => `${target}/${"a/".repeat(random.pick([3, 100, 2000]))}`,
    () => `http://other${target}`,
    () => `${target}#a`,
    () => `${target} x`,
  ])();
}

function hostileQuery(random: Random): string {
  const names = ["a", "version", "api-version", "model", "", "__proto__", "key", "stream", "token"];
  const values = ["", "1", "%", "%00", "%ff", "é", "a=b", "a".repeat(5000), "[]", "{}"].map(
    toByteString,
  );
  const pairs = Array.from(
    { length: random.pick([0, 1, 1, 2, 500]) },
    () => `${random.pick(names)}=${random.pick(values)}`,
  );
  return `?${pairs.join("&")}`;
}

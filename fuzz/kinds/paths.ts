import type { FuzzKind } from "../fuzz-kind.ts";
import { type FuzzRequest, toByteString } from "../http/request.ts";
import { hostileText } from "../mutate/hostile-text.ts";
import { toJsonText } from "../mutate/json-tree.ts";
import type { Random } from "../random.ts";

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
    const { method, path } = random.pick(samples.routes);
    const model = random.chance(0.5) ? random.pick(samples.modelNames) : hostileName(random);
    let target = path.replace("{model}", model).replace("{version}", random.pick(VERSIONS));
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

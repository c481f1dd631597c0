import { afterAll, beforeAll, expect, test } from "vitest";
import { predictionKey } from "../../../src/cache/key.ts";
import type { Manifest } from "../../../src/domain/manifest.ts";
import { sum } from "../../support/awkward-models.ts";
import { floats } from "../../support/cache-runs.ts";
import { HostClient, type HostsService, numeric, startHosts } from "../../support/hosts.ts";
import { store } from "../../support/stored-model.ts";
import type { HostileRequest } from "../isolates/hostile/index.ts";
import type { Reached } from "../isolates/hostile/reach.ts";

/** What the isolate of a model can reach, by one that tries. */

const CACHED = { cache: { enabled: true, ttlSeconds: 600, scope: "public" } } as const;

let service: HostsService;
/** Its models run in hostile isolates. */
let hostile: HostClient;
/** Its models run where they should. */
let honest: HostClient;
let own: Manifest;
let secret: Manifest;

beforeAll(async () => {
  service = await startHosts("hostile");
  hostile = new HostClient("isolates", service);
  honest = new HostClient("cells", service);
  const { bucket } = service;
  own = await store(bucket, "hostile", { ...sum(1), name: "hostile" }, CACHED);
  secret = await store(bucket, "secret", { ...sum(41), name: "secret" }, CACHED);
});

afterAll(() => service?.dispose());

const x = (value: number) => numeric("x", "FP32", [1], [value]);
const y = (value: number) => numeric("y", "FP32", [1], [value]);
const keyOf = (manifest: Manifest, value: number): Promise<string> =>
  predictionKey(manifest, [floats("x", [1], [value])], ["y"], undefined);

async function reach(paths: readonly string[], keys: readonly string[]): Promise<Reached> {
  const inputs: HostileRequest = { reach: { origin: service.origin, paths, keys } };
  return (await hostile.value({ name: "hostile", inputs, isCached: true })) as Reached;
}

test("an isolate has settings, and neither bindings nor a network", async () => {
  const found = await reach([], []);
  expect(found).toMatchObject({
    env: "SETTINGS",
    props: "{}",
    process: "SETTINGS",
    exports: "ModelIsolate",
  });
  // A file system of its own, in memory.
  expect(found.files).toBe("bundle,tmp,dev");
  for (const what of [
    "fetch",
    "fetch of the internet",
    "socket",
    "web socket",
    "cache",
    "named cache",
    "file of the machine",
    "socket of Node",
    "eval",
  ])
    expect([what, found[what]]).toEqual([what, expect.stringMatching(/^error: /)]);
});

test("an isolate reads the files of its version, and no others", async () => {
  const own = "model.onnx";
  const others = [
    "../../secret/1/model.onnx",
    "../1/model.onnx",
    "./model.onnx",
    "/model.onnx",
    "models/secret/1/model.onnx",
    "secret/1/model.onnx",
    "manifest.json",
    "../routing.json",
    "routing.json",
    "model.onnx/../../../secret/1/model.onnx",
    "model.onnx\0",
    "",
    "constructor",
  ];
  const found = await reach([own, ...others], []);
  expect(found[`open ${own}`]).toMatch(/^\d+ bytes$/);
  for (const path of others)
    expect(found[`open ${path}`]).toMatch(
      /^error: the isolate of a model may read model.onnx, and requested/,
    );
  expect(found["open a list"]).toMatch(/^error: /);
  expect(found["open an object"]).toMatch(/^error: /);
  expect(found.manifest).toBe("hostile");
});

test("a session has no methods but those of its interface", async () => {
  const found = await reach([], []);
  const tried = Object.entries(found).filter(([what]) => what.startsWith("session."));
  expect(tried.length).toBeGreaterThan(20);
  for (const [what, result] of tried)
    expect([what, result]).toEqual([what, expect.stringMatching(/^error: /)]);
});

test("an isolate neither reads nor writes the cache entries of another model", async () => {
  const cached = { name: "secret", isCached: true };
  const first = await honest.infer({ ...cached, tensors: [x(1)] });
  expect(first.tensors).toEqual([y(42)]);
  const known = String(first.trace.cache.key);
  expect(known).toBe(await keyOf(secret, 1));
  const absent = await keyOf(secret, 2);
  const ownPart = (await keyOf(own, 1)).slice(64);
  const forged = [known.slice(0, 64) + ownPart, known + ownPart, known.slice(0, 64)];
  const keys = [known, absent, ...forged, "", `prediction/secret/1/-/${known}`];
  const found = await reach([], keys);
  for (const key of keys.filter((each) => each !== forged[0]))
    expect([key, found[`read ${key}`]]).toEqual([key, "error: the key is not one of the model"]);
  // The entry of that name is another one.
  expect(found[`read ${forged[0]}`]).toBe('object {"own":true}');
  for (const key of keys)
    expect(found[`keyed ${key}`]).toBe("error: the key is not one of the model");

  const again = await honest.infer({ ...cached, tensors: [x(1)] });
  expect([again.tensors, again.trace.cache.outcome]).toEqual([[y(42)], "hit"]);
  const other = await honest.infer({ ...cached, tensors: [x(2)] });
  expect([other.tensors, other.trace.cache.outcome]).toEqual([[y(43)], "miss"]);
});

test("what an isolate runs for the cache must be outputs of its model", async () => {
  const found = await reach([], [await keyOf(own, 7)]);
  expect(found["all outputs"]).toBe("error: the model does not have these outputs");
  expect(found["no run"]).toContain('"code":"internal"');
});

test("a session that an isolate keeps is of no use when its call has ended", async () => {
  await hostile.value({ name: "hostile", inputs: { keep: true } satisfies HostileRequest });
  const found = await reach(["model.onnx"], [await keyOf(own, 8)]);
  const tried = Object.entries(found).filter(([what]) => what.startsWith("kept "));
  expect(tried).toHaveLength(3);
  for (const [what, result] of tried)
    expect([what, result]).toEqual([what, expect.stringMatching(/^error: /)]);
});

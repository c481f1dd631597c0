import { expect, test } from "vitest";
import { fileKey } from "../../../src/storage/model-keys.ts";
import { sum } from "../../support/awkward-models.ts";
import { type HostClient, numeric, sha256Of } from "../../support/hosts.ts";
import { buildOnnx } from "../../support/onnx-builder.ts";
import { storeSums } from "../../support/stored-members.ts";

const ONE = numeric("x", "FP32", [1], [1]);
const Y = (value: number) => [numeric("y", "FP32", [1], [value])];

/** Versions of several models. */
export function testHostMembers(hostOf: () => HostClient): void {
  const storeAs = (name: string, biases: Readonly<Record<string, number>>, more = {}) =>
    storeSums(hostOf().service.bucket, name, biases, `${name}-${hostOf().name}`, more);
  const loadedOf = async (name: string): Promise<number> => {
    const { stats = [] } = await hostOf().call("stats", { name });
    const models = stats.flatMap(({ cells }) => cells.flatMap((cell) => cell.models));
    return models.filter((model) => model.name === name).length;
  };

  test("a task runs and leases each model of its version by its name", async () => {
    const name = "test-task-members";
    await storeAs(name, { ten: 10, "a-hundred": 100 });
    const inputs = ["ten", null, "a-hundred", "ten"];
    expect(await hostOf().value({ name, inputs, parameters: { do: "members" } })).toEqual([
      [11, 11],
      [2, 2],
      [101, 101],
      [11, 11],
    ]);
    expect(await loadedOf(name)).toBe(3);
    const stats = await hostOf().statsOf(name);
    const cells = stats?.cells.filter(({ models }) => models.some((model) => model.name === name));
    expect(cells?.map(({ models }) => models.length)).toEqual([3]);
  });

  test("a run of one model is of that model, also where its outputs are cached", async () => {
    const name = "cached-members";
    await storeAs(
      name,
      { ten: 10 },
      { cache: { enabled: true, ttlSeconds: 600, scope: "public" } },
    );
    for (const isCached of [false, true, true]) {
      const asked = { name, tensors: [ONE], isCached };
      expect((await hostOf().infer(asked)).tensors).toEqual(Y(2));
      expect((await hostOf().infer({ ...asked, member: "ten" })).tensors).toEqual(Y(11));
    }
  });

  test("a version is loaded, ready and unloaded with all of its models", async () => {
    const name = "whole-version";
    await storeAs(name, { ten: 10, twenty: 20 });
    expect(await hostOf().state(name)).toEqual({ state: "absent" });
    expect((await hostOf().call("load", { name })).error).toBeUndefined();
    expect(await hostOf().state(name)).toEqual({ state: "ready" });
    expect(await loadedOf(name)).toBe(3);
    expect((await hostOf().call("unload", { name })).wasLoaded).toBe(true);
    expect(await hostOf().state(name)).toEqual({ state: "absent" });
    expect(await loadedOf(name)).toBe(0);
  });

  test("a version is not loaded where one of its models is missing or another one", async () => {
    const { bucket } = hostOf().service;
    const name = "half-a-version";
    const manifest = await storeAs(name, { ten: 10 });
    const key = fileKey(manifest, "ten.onnx");
    await bucket.delete(key);
    expect((await hostOf().call("load", { name })).error).toEqual({
      code: "model_missing",
      message: `ten.onnx of model "${name}" version 1 is missing from object storage.`,
      details: { model: name, version: "1", file: "ten.onnx" },
    });
    expect(await hostOf().state(name)).toMatchObject({ state: "failed" });
    // As long as the right one.
    const graph = { ...sum(9), name: `${name}-${hostOf().name}-ten` };
    const other = Uint8Array.from(buildOnnx(graph));
    await bucket.put(key, other);
    const { error } = await hostOf().call("load", { name });
    expect(error).toMatchObject({ code: "model_corrupt" });
    expect(error?.message).toContain(sha256Of(other));
  });

  test("a model that is not as the manifest declares it is refused by its name", async () => {
    const name = "declared-otherwise";
    const shape = ["n", 4];
    const { models, files } = await storeAs(name, { ten: 10 });
    const ten = { ...models?.ten, inputs: [{ name: "x", datatype: "FP32", shape }] };
    await storeAs(name, { ten: 10 }, { version: "2", models: { ten }, files });
    const { error } = await hostOf().infer({ name, version: "2", tensors: [], member: "ten" });
    expect(error).toMatchObject({ code: "invalid_input" });
    const loaded = await hostOf().call("load", { name, version: "2" });
    expect(loaded.error).toEqual({
      code: "model_corrupt",
      message: `The manifest of model "${name}" version 2 declares the inputs "x" (FP32 [n, 4]), but its model ten has "x" (FP32 [n]).`,
    });
  });
}

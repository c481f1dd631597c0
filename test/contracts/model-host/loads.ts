import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fileKey } from "../../../src/storage/model-keys.ts";
import { product, sum } from "../../support/awkward-models.ts";
import { type HostClient, numeric, sha256Of } from "../../support/hosts.ts";
import { buildOnnx } from "../../support/onnx-builder.ts";
import { findModel } from "../../support/publish.ts";
import { store, storeFile } from "../../support/stored-model.ts";

const MEBIBYTE = 2 ** 20;

/** What is loaded, how often, and what it takes. */
export function testHostLoads(hostOf: () => HostClient): void {
  /** A model of this host's test alone. */
  const own = (bias: number, what: string) => ({ ...sum(bias), name: `${what}-${hostOf().name}` });
  const tensors = [numeric("x", "FP32", [1], [1])];

  test("a model is loaded by its first call, and by no other", async () => {
    const name = "loaded-once";
    const { files } = await store(hostOf().service.bucket, name, own(10, name));
    expect(await hostOf().state(name)).toEqual({ state: "absent" });
    const first = await hostOf().infer({ name, tensors });
    expect(first.tensors).toEqual([numeric("y", "FP32", [1], [11])]);
    expect(first.trace).toMatchObject({ coldStart: true, digest: files[0]?.sha256 });
    expect(await hostOf().state(name)).toEqual({ state: "ready" });
    const second = await hostOf().infer({ name, tensors });
    expect(second.trace).toMatchObject({ coldStart: false, digest: files[0]?.sha256 });
    for (const { trace } of [first, second])
      expect(trace.phasesMs).toMatchObject({ load: expect.any(Number), infer: expect.any(Number) });
  });

  test("a model that was loaded without a request is ready for the first one", async () => {
    const name = "loaded-before";
    await store(hostOf().service.bucket, name, own(11, name));
    expect((await hostOf().call("load", { name })).error).toBeUndefined();
    expect(await hostOf().state(name)).toEqual({ state: "ready" });
    expect((await hostOf().infer({ name, tensors })).trace.coldStart).toBe(false);
  });

  test("first calls at the same time make one load", async () => {
    const name = "loaded-together";
    await store(hostOf().service.bucket, name, own(12, name));
    const before = (await hostOf().statsOf("loaded-once"))?.loads ?? 0;
    const calls = Array.from({ length: 8 }, (_, index) =>
      hostOf().infer({ name, tensors: [numeric("x", "FP32", [1], [index])] }),
    );
    const answers = await Promise.all(calls);
    for (const [index, { tensors: made }] of answers.entries())
      expect(made).toEqual([numeric("y", "FP32", [1], [12 + index])]);
    const stats = await hostOf().statsOf(name);
    // An isolate of its own has loaded nothing else.
    expect(stats?.loads).toBe(stats?.model ? 1 : before + 1);
  });

  test("a model is unloaded with its memory, and loaded again by the next call", async () => {
    const name = "unloaded";
    await store(hostOf().service.bucket, name, { ...product(8, 1), name: hostOf().name });
    expect((await hostOf().call("unload", { name })).wasLoaded).toBe(false);
    await hostOf().call("load", { name });
    const loaded = await hostOf().statsOf(name);
    expect(loaded?.usedBytes).toBeGreaterThan(8 * MEBIBYTE);
    const [cell] = loaded?.cells.filter(({ models }) => models.some((m) => m.name === name)) ?? [];
    expect((await hostOf().call("unload", { name })).wasLoaded).toBe(true);
    expect(await hostOf().state(name)).toEqual({ state: "absent" });
    expect(await hostOf().statsOf(name)).toBeUndefined();
    if (!loaded?.model) {
      const { stats } = await hostOf().call("stats", { name });
      const usedBytes = (loaded?.usedBytes ?? 0) - (cell?.memoryBytes ?? 0);
      expect(stats?.[0]?.usedBytes).toBe(usedBytes);
    }
    const x = Array<number>(256).fill(0);
    const again = await hostOf().infer({ name, tensors: [numeric("x", "FP32", [1, 256], x)] });
    expect([again.error, again.trace.coldStart]).toEqual([undefined, true]);
  });

  test("two versions with the same model file share it, and each has its own manifest", async () => {
    const { manifest, folder } = findModel("iris-logistic");
    const bytes = new Uint8Array(readFileSync(`${folder}/${manifest.file}`));
    const name = "two-versions";
    const names = [manifest.labels ?? [], ["a", "b", "c"]];
    for (const [index, labels] of names.entries())
      await storeFile(hostOf().service.bucket, name, bytes, {
        ...manifest,
        name,
        version: String(index + 1),
        labels: [...labels],
      });
    const inputs = manifest.example?.inputs;
    const results: unknown[][] = [];
    for (const version of ["1", "2", "1"]) {
      const value = (await hostOf().value({ name, version, inputs })) as { label: string }[];
      results.push(value.map(({ label }) => label));
    }
    const output = manifest.example?.output as { label: string }[] | undefined;
    const labelled = (output ?? []).map(({ label }) => label);
    const renamed = labelled.map((label) => names[1]?.[names[0]?.indexOf(label) ?? -1]);
    expect(results).toEqual([labelled, renamed, labelled]);
    const second = await hostOf().execute({ name, version: "2", inputs });
    expect(second.trace.coldStart).toBe(false);
  });

  test("a file that is not published is described", async () => {
    const { bucket } = hostOf().service;
    const bytes = Uint8Array.from(buildOnnx(own(14, "candidate")));
    const id = { name: "candidate", version: "7" };
    await bucket.put(fileKey(id, "model.onnx"), bytes);
    await store(bucket, "any", sum(1));
    const candidate = { id, path: "model.onnx", format: "onnx" } as const;
    const file = { sizeBytes: bytes.length, sha256: sha256Of(bytes) };
    const ask = (given: object) =>
      hostOf().call("describe", { name: "any", candidate: { ...candidate, ...file, ...given } });
    const { description } = await ask({});
    expect(description).toEqual({
      inputs: [{ name: "x", datatype: "FP32", shape: ["n"] }],
      outputs: [{ name: "y", datatype: "FP32", shape: ["n"] }],
    });
    const corrupt = await ask({ sha256: "0".repeat(64) });
    expect(corrupt.error).toMatchObject({ code: "model_corrupt" });
    const missing = await ask({ path: "other.onnx", sha256: "1".repeat(64) });
    expect(missing.error).toEqual({
      code: "model_missing",
      message: 'other.onnx of model "candidate" version 7 is missing from object storage.',
      details: { model: "candidate", version: "7", file: "other.onnx" },
    });
  });
}

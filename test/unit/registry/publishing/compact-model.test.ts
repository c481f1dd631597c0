import { expect, test, vi } from "vitest";
import { ApiError } from "../../../../src/domain/errors.ts";
import type { Manifest } from "../../../../src/domain/manifest.ts";
import { parseManifest } from "../../../../src/domain/manifest.ts";
import type { ModelHost } from "../../../../src/domain/model-host.ts";
import { toBytes } from "../../../../src/domain/tensor.ts";
import { compactModel } from "../../../../src/registry/publishing/compact-model.ts";
import { Publication } from "../../../../src/registry/publishing/publication.ts";
import { type WrittenModel, writeModel } from "../../../../src/registry/publishing/write-model.ts";
import { createMemoryModelStore } from "../../../../src/storage/memory-model-store.ts";
import { readExport } from "../../../support/exported-models.ts";
import { stubWorkersGlobals } from "../../../support/workers-globals.ts";

stubWorkersGlobals();

const id = { name: "forest", version: "1" };

function toManifest({ path, sha256, sizeBytes }: WrittenModel): Manifest {
  return parseManifest({
    ...id,
    schemaVersion: 1,
    format: "onnx",
    file: path,
    files: [{ path, sha256, sizeBytes }],
    inputs: [{ name: "X", datatype: "FP32", shape: [-1, 4] }],
    outputs: [{ name: "variable", datatype: "FP32", shape: [-1, 1] }],
    createdAt: "2026-11-30T00:00:00Z",
  });
}

/** Publishes a forest on a host that returns such values for the file as it was sent and for its other form. */
async function compact(values: readonly [sent: number, other: number | ApiError]) {
  const objects = new Map<string, Uint8Array<ArrayBuffer>>();
  const store = createMemoryModelStore(objects);
  const publication = new Publication(store, id);
  const bytes = readExport("forest-sklearn.onnx");
  const written = await writeModel(
    publication,
    publication.place("model.onnx"),
    new Blob([bytes]).stream(),
    bytes.byteLength,
  );
  const sent = toManifest(written);
  const unload = vi.fn<ModelHost["unload"]>(async () => true);
  const host = {
    unload,
    infer: vi.fn<ModelHost["infer"]>(async ({ model, inputs }) => {
      const value = model.manifest === sent ? values[0] : values[1];
      if (value instanceof ApiError) throw value;
      const rows = inputs[0]?.shape[0] ?? 0;
      const data = toBytes(new Float32Array(rows).fill(value));
      return [{ name: "variable", datatype: "FP32", shape: [rows, 1], data }];
    }),
  };
  const adaptation = written.adaptation();
  if (!adaptation) throw new Error("the fixture is not an ONNX file");
  const result = await compactModel(
    { store, publication, host, toManifest: async (model) => toManifest(model) },
    written,
    adaptation,
    sent,
  );
  return {
    result,
    written,
    objects,
    unloaded: unload.mock.calls.map(([model]) => model.manifest),
    sent,
  };
}

test("the other form of a forest is used when it computes the same bits", async () => {
  const { result, objects, sent, unloaded } = await compact([0.5, 0.5]);
  expect(result?.model.sizeBytes).toBeLessThan((sent.files[0]?.sizeBytes ?? 0) / 2);
  expect(objects.has(`models/forest/1/${result?.model.path}`)).toBe(true);
  expect(unloaded).toEqual([sent]);
});

test.each<[what: string, values: readonly [number, number | ApiError]]>([
  ["computes another number", [0.5, 0.5 + 2 ** -24]],
  ["computes zero with another sign", [0, -0]],
  ["is refused by the engine", [0.5, new ApiError("invalid_model", "The model was refused.")]],
  ["does not fit the memory", [0.5, new ApiError("out_of_memory", "There is no memory.")]],
])("the other form of a forest is deleted when it %s", async (_, values) => {
  const { result, written, objects, unloaded, sent } = await compact(values);
  expect(result).toBeUndefined();
  expect([...objects.keys()]).toEqual([`models/forest/1/${written.path}`]);
  expect(unloaded).not.toContain(sent);
});

import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { PRODUCT_COLUMNS, product } from "../../support/awkward-models.ts";
import { buildOnnx } from "../../support/onnx-builder.ts";
import type { TestResponse } from "../../support/service.ts";
import { store } from "../../support/stored-model.ts";

/** A model of many chunks whose object in storage is not what was published. */

const NAME = "product";
const KEY = `models/${NAME}/1/model.onnx`;
const published = buildOnnx(product(4, 1));
/** Another valid model of the same length. */
const other = buildOnnx(product(4, 2));

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({ vars: { PLACEMENT: "shared" } });
  await store(service.bucket, NAME, product(4, 1));
});

afterAll(() => service?.dispose());

function infer(): Promise<TestResponse> {
  const data = Array.from({ length: PRODUCT_COLUMNS }, () => 1);
  const inputs = [{ name: "x", datatype: "FP32", shape: [1, PRODUCT_COLUMNS], data }];
  return service.post(`/v2/models/${NAME}/infer`, { inputs });
}

function changed(position: number): Uint8Array {
  const bytes = published.slice();
  bytes[position] = (bytes[position] ?? 0) ^ 0x80;
  return bytes;
}

const LENGTH = published.length;
const wrongDigest = (bytes: Uint8Array): string =>
  `its SHA-256 is ${digest(bytes)} instead of ${digest(published)}`;
const wrongLength = (bytes: Uint8Array): string =>
  `it is ${bytes.length} bytes long instead of ${LENGTH}`;

describe.each<[what: string, bytes: Uint8Array, reason: (bytes: Uint8Array) => string]>([
  ["whose first byte is changed", changed(0), wrongDigest],
  ["of which a weight in the middle is changed", changed(LENGTH / 2), wrongDigest],
  ["whose last byte is changed", changed(LENGTH - 1), wrongDigest],
  ["that is another model of the same length", other, wrongDigest],
  ["that is nothing but zeros", new Uint8Array(LENGTH), wrongDigest],
  ["that breaks off in the middle", published.subarray(0, LENGTH / 2), wrongLength],
  ["that lacks its last byte", published.subarray(0, -1), wrongLength],
  ["that goes on", Buffer.concat([published, other]), wrongLength],
])("an object %s", (_, bytes, reason) => {
  test("is refused with the reason, and nothing of it stays", async () => {
    await service.bucket.put(KEY, bytes);
    for (let attempt = 0; attempt < 2; attempt++) {
      const response = await infer();
      expect(response).toMatchObject({
        status: 503,
        body: {
          code: "model_corrupt",
          error: `The file of model "${NAME}" version 1 in object storage is not the published one: ${reason(bytes)}.`,
          details: { model: NAME, version: "1" },
        },
      });
      expect(response.body).not.toHaveProperty("outputs");
    }
    expect(await service.runtime()).toMatchObject({ cells: [], usedBytes: 0, crashes: 0 });
  });
});

test("the published object is served after refused ones", async () => {
  expect(other.length).toBe(LENGTH);
  await service.bucket.put(KEY, published);
  expect(await infer()).toMatchObject({ status: 200 });
  expect(await service.runtime()).toMatchObject({ cells: [{ models: [{ name: NAME }] }] });
});

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

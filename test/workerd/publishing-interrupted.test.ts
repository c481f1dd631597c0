import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADMIN_KEY } from "../support/administration.ts";
import { product } from "../support/awkward-models.ts";
import { type HeldService, startHeldService } from "../support/held-storage.ts";
import { buildOnnx } from "../support/onnx-builder.ts";
import { poll } from "../support/poll.ts";
import { beginPost, beginPut, readResponse } from "../support/raw-request.ts";
import { digestField, uploadsOf } from "../support/uploads.ts";

/** Uploads and publications that end in the middle leave nothing visible, and nothing that mixes with what comes later. */

const MODEL = buildOnnx(product(4, 3));
/** A body of which nothing arrives for so long has stalled. */
const TIMEOUT_MS = 1500;

let service: HeldService;

beforeAll(async () => {
  service = await startHeldService({ TIMEOUT_MS: `${TIMEOUT_MS}` });
});

afterAll(() => service?.dispose());

function beginUpload(name: string, length: number, path = "model.onnx") {
  return beginPut(service.origin, `/admin/models/${name}/versions/1/files/${path}`, {
    authorization: `Bearer ${ADMIN_KEY}`,
    beginning: MODEL.subarray(0, length),
    sizeBytes: MODEL.length,
  });
}

describe("an upload", () => {
  test.each([0, 1, 1_000_000, MODEL.length - 1])(
    "whose client disconnects after %i bytes stores nothing, and is sent again",
    async (length) => {
      const name = `cut-file-${length}`;
      const uploads = uploadsOf(service, name);
      const { abandoned } = await service.storage();
      const socket = await beginUpload(name, length);
      await service.request("/v2/health/live");
      socket.resetAndDestroy();
      await service.storage((state) => state.abandoned === abandoned + 1);
      expect(await uploads.keys()).toEqual([]);
      expect(await uploads.send("model.onnx", MODEL)).toMatchObject({ status: 201 });
      expect(await uploads.publish()).toMatchObject({ status: 201 });
    },
  );

  test("of which nothing arrives any more is refused, and stores nothing", async () => {
    const socket = await beginUpload("stalled", 1_000_000);
    expect(await readResponse(socket)).toMatchObject({
      status: 408,
      body: { code: "body_timeout" },
    });
    socket.destroy();
    expect(await uploadsOf(service, "stalled").keys()).toEqual([]);
  });

  test("in parts goes on after one of them was cut off", async () => {
    const uploads = uploadsOf(service, "cut-part");
    const half = Math.floor(MODEL.length / 2);
    await uploads.sendPart("model.onnx", MODEL, 0, half - 1);
    const { abandoned } = await service.storage();
    const socket = await beginPut(
      service.origin,
      "/admin/models/cut-part/versions/1/files/model.onnx",
      {
        authorization: [
          `Bearer ${ADMIN_KEY}`,
          `content-range: bytes ${half}-${MODEL.length - 1}/${MODEL.length}`,
          `repr-digest: ${digestField(MODEL)}`,
        ].join("\r\n"),
        beginning: MODEL.subarray(half, half + 1000),
        sizeBytes: MODEL.length - half,
      },
    );
    await service.request("/v2/health/live");
    socket.resetAndDestroy();
    await service.storage((state) => state.abandoned === abandoned + 1);
    expect((await uploads.list()).body).toMatchObject({
      files: [{ received: [[0, half - 1]], complete: false }],
    });
    await uploads.sendPart("model.onnx", MODEL, half, MODEL.length - 1);
    expect(await uploads.publish()).toMatchObject({ status: 201 });
  });
});

describe("a publication", () => {
  test("whose client disconnects is completed, and invisible before", async () => {
    const name = "left";
    const uploads = uploadsOf(service, name);
    await uploads.send("model.onnx", MODEL);
    await service.hold();
    const { abandoned } = await service.storage();
    const socket = await beginPost(
      service.origin,
      `/admin/models/${name}/versions/1/publish`,
      {},
      { authorization: `Bearer ${ADMIN_KEY}` },
    );
    await service.storage(({ holding }) => holding === 1);
    expect(await service.request(`/v2/models/${name}`)).toMatchObject({ status: 404 });
    socket.resetAndDestroy();
    await service.storage((state) => state.abandoned === abandoned + 1);
    await service.release();
    await poll("published version", async () => {
      const { status } = await service.request(`/v2/models/${name}`);
      return status === 404 ? undefined : status;
    });
    await poll("deleted uploads", async () =>
      (await uploads.keys()).length === 2 ? true : undefined,
    );
    expect(await service.request(`/v2/models/${name}/ready`)).toMatchObject({ status: 200 });
  });

  test("whose files are deleted while it reads them is refused, and leaves nothing", async () => {
    const name = "pulled";
    const uploads = uploadsOf(service, name);
    const third = Math.floor(MODEL.length / 3);
    await uploads.sendPart("model.onnx", MODEL, 0, third - 1);
    await uploads.sendPart("model.onnx", MODEL, third, MODEL.length - 1);
    await service.hold();
    const publication = uploads.publish();
    await service.storage(({ holding }) => holding === 1);
    await service.administer(`/models/${name}/versions/1/files`, { method: "DELETE" });
    await service.release();
    expect(await publication).toMatchObject({ status: 502, body: { code: "storage_failed" } });
    expect(await uploads.keys()).toEqual([]);
  });
});

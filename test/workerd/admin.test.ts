import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Manifest, parseManifest } from "../../src/domain/manifest.ts";
import { ADMIN_KEY } from "../support/administration.ts";
import { constantOnes, product, sum } from "../support/awkward-models.ts";
import { type HeldService, startHeldService } from "../support/held-storage.ts";
import { buildOnnx, type Graph } from "../support/onnx-builder.ts";
import { poll } from "../support/poll.ts";
import { beginPut, readResponse } from "../support/raw-request.ts";
import { startService, type TestResponse } from "../support/service.ts";
import { store } from "../support/stored-model.ts";

/** Publishing and deleting by `/admin`, and what storage holds afterwards. */

const MAX_MODEL_BYTES = 8_000_000;

let service: HeldService;

beforeAll(async () => {
  service = await startHeldService({ MAX_MODEL_BYTES: `${MAX_MODEL_BYTES}` });
});

afterAll(() => service?.dispose());

function infer(path: string, x = 1): Promise<TestResponse> {
  const inputs = [{ name: "x", datatype: "FP32", shape: [1], data: [x] }];
  return service.post(`/v2/models/${path}/infer`, { inputs });
}

/** {@link sum} adds its bias, which distinguishes the versions. */
function outputs(value: number): object {
  return { status: 200, body: { outputs: [{ name: "y", data: [value] }] } };
}

function remove(path: string): Promise<TestResponse> {
  return service.administer(`/models/${path}`, { method: "DELETE" });
}

/** Of its versions: the routing remembers those that were deleted. */
async function keysOf(name: string): Promise<string[]> {
  const { objects } = await service.bucket.list({ prefix: `models/${name}/` });
  return objects.map(({ key }) => key).filter((key) => key !== `models/${name}/routing.json`);
}

describe("the admin key", () => {
  const routes = [
    ["GET", "/admin/models"],
    ["GET", "/admin/runtime"],
    ["PUT", "/admin/models/secret/versions/1"],
    ["DELETE", "/admin/models/secret/versions/1"],
  ] as const;

  test.each(
    routes.flatMap(([method, path]) =>
      [
        undefined,
        "",
        ADMIN_KEY,
        `Basic ${ADMIN_KEY}`,
        "Bearer",
        "Bearer ",
        `Bearer ${ADMIN_KEY}x`,
        `Bearer ${ADMIN_KEY.slice(0, -1)}`,
        `Bearer ${ADMIN_KEY.toUpperCase()}`,
        `Bearer x ${ADMIN_KEY}`,
      ].map((authorization) => [method, path, authorization] as const),
    ),
  )("%s %s is refused with the authorization %j", async (method, path, authorization) => {
    const response = await service.request(path, {
      method,
      headers: authorization === undefined ? {} : { authorization },
      body: method === "PUT" ? buildOnnx(sum(1)) : null,
    });
    expect(response).toMatchObject({ status: 401, body: { code: "unauthorized" } });
    const isKey = /^Bearer \S/.test(authorization ?? "");
    const challenge = isKey ? 'Bearer error="invalid_token"' : "Bearer";
    expect(response.headers.get("www-authenticate")).toBe(challenge);
    expect(JSON.stringify(response.body)).not.toContain(ADMIN_KEY);
    expect(await keysOf("secret")).toEqual([]);
  });

  test.each(["Bearer", "bearer", "BEARER"])(
    "the admin key is accepted with the scheme %s",
    async (scheme) => {
      const headers = { authorization: `${scheme} ${ADMIN_KEY}` };
      for (const path of ["/admin/models", "/admin/runtime"])
        expect(await service.request(path, { headers })).toMatchObject({ status: 200 });
    },
  );

  test("without ADMIN_KEY the admin routes are disabled", async () => {
    const closed = await startService({ models: [] });
    try {
      for (const key of [ADMIN_KEY, "undefined", ""]) {
        const headers = { authorization: `Bearer ${key}` };
        for (const [method, path] of routes)
          expect(await closed.request(path, { method, headers })).toMatchObject({
            status: 401,
            body: { code: "unauthorized", detail: expect.stringContaining("ADMIN_KEY is not set") },
          });
      }
    } finally {
      await closed.dispose();
    }
  });
});

describe("publishing", () => {
  test("publishing returns the manifest, read from the model, and the location of the version", async () => {
    const bytes = buildOnnx(product(1, 7));
    const response = await service.publish("published", bytes, "3");
    expect(response.status).toBe(201);
    expect(response.headers.get("location")).toBe("/v2/models/published/versions/3");
    const manifest = parseManifest(response.body);
    expect(manifest).toMatchObject({
      name: "published",
      version: "3",
      format: "onnx",
      inputs: [{ name: "x", datatype: "FP32", shape: ["batch", 256] }],
      outputs: [{ name: "y", datatype: "FP32", shape: ["batch", 1024] }],
    });
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    expect(manifest.files).toEqual([{ path: manifest.file, sha256, sizeBytes: bytes.length }]);

    expect(await service.request(response.headers.get("location") ?? "")).toMatchObject({
      status: 200,
      body: { name: "published", versions: ["3"] },
    });
    const stored = await service.bucket.get(`models/published/3/${manifest.file}`);
    expect(new Uint8Array((await stored?.arrayBuffer()) ?? [])).toEqual(bytes);
    expect((await service.administer("/models")).body).toMatchObject({
      models: expect.arrayContaining([
        expect.objectContaining({ name: "published", version: "3" }),
      ]),
    });
  });

  test("publishing reads every kind of shape and datatype from the model", async () => {
    const values = [
      { name: "scalar", datatype: "INT64", shape: [] },
      { name: "fixed", datatype: "FP64", shape: [2, 3] },
      { name: "dynamic", datatype: "UINT8", shape: ["batch", -1, 4] },
      { name: "text", datatype: "BYTES", shape: ["n"] },
    ] as const;
    const graph: Graph = {
      inputs: values,
      outputs: values.map((value) => ({ ...value, name: `${value.name}-out` })),
      nodes: values.map(({ name }) => ({
        op: "Identity",
        inputs: [name],
        outputs: [`${name}-out`],
      })),
    };
    const { status, body } = await service.publish("shapes", graph);
    expect(status).toBe(201);
    const { inputs, outputs } = body as Manifest;
    expect(inputs).toEqual(values);
    expect(outputs).toEqual(graph.outputs);
  });

  test("a request without a version uses the newest one that was published", async () => {
    for (const version of ["1", "2", "10"])
      expect(await service.publish("newest", sum(Number(version)), version)).toMatchObject({
        status: 201,
      });
    expect(await infer("newest")).toMatchObject(outputs(11));
    expect(await infer("newest/versions/2")).toMatchObject(outputs(3));
  });

  test("publishing a version that exists is refused, and leaves it unchanged", async () => {
    await service.publish("taken", sum(1));
    const keys = await keysOf("taken");
    expect(await service.publish("taken", sum(2))).toMatchObject({
      status: 409,
      body: { code: "version_exists", detail: expect.stringContaining('"taken" version 1') },
    });
    expect(await keysOf("taken")).toEqual(keys);
    expect(await infer("taken")).toMatchObject(outputs(2));
  });

  test("of two concurrent publications of one version, one is published completely", async () => {
    for (let round = 1; round <= 5; round++) {
      const version = `${round}`;
      const biases = [100, 200];
      const responses = await Promise.all(
        biases.map((bias) => service.publish("race", sum(bias + round), version)),
      );
      expect(responses.map(({ status }) => status).sort()).toEqual([201, 409]);
      const winner = responses.findIndex(({ status }) => status === 201);
      const { file } = parseManifest(responses[winner]?.body);
      expect(await keysOf(`race/${version}`)).toEqual(
        [`models/race/${version}/manifest.json`, `models/race/${version}/${file}`].sort(),
      );
      expect(await infer(`race/versions/${version}`, 0)).toMatchObject(
        outputs((biases[winner] ?? 0) + round),
      );
    }
  });

  test("the same model can be published as several versions", async () => {
    for (const version of ["1", "2"])
      expect(await service.publish("again", sum(5), version)).toMatchObject({ status: 201 });
    expect(await infer("again/versions/1")).toMatchObject(outputs(6));
    expect(await infer("again/versions/2")).toMatchObject(outputs(6));
    expect(await remove("again/versions/1")).toMatchObject({ status: 200 });
    expect(await infer("again/versions/2")).toMatchObject(outputs(6));
  });
});

describe("refused publications", () => {
  const names = ["Upper", "-dash", ".dot", "a%20b", "a".repeat(64), "%C3%A9"];
  test.each(names)("publishing the name %s is refused", async (name) => {
    expect(await service.publish(name, sum(1))).toMatchObject({
      status: 404,
      body: { code: "model_not_found" },
    });
  });

  test.each(["0", "01", "-1", "1.0", "latest", "1234567890"])(
    "publishing the version %s is refused",
    async (version) => {
      const response = await service.publish("refused", sum(1), version);
      expect(response).toMatchObject({ status: 404, body: { code: "version_not_found" } });
      expect(await keysOf("refused")).toEqual([]);
    },
  );

  const sequence: Graph = {
    inputs: [{ name: "x", datatype: "FP32", shape: ["n"] }],
    outputs: [{ name: "y", datatype: "FP32", shape: ["n"] }],
    nodes: [{ op: "NoSuchOperator", inputs: ["x"], outputs: ["y"] }],
  };
  test.each<[what: string, bytes: Uint8Array<ArrayBuffer>]>([
    ["text", Uint8Array.from(Buffer.from("not a model"))],
    ["one byte", new Uint8Array([8])],
    ["half a model", buildOnnx(product(1, 1)).slice(0, 500_000)],
    ["an operator that there is not", buildOnnx(sequence)],
    ["a graph without nodes", buildOnnx({ outputs: [], nodes: [] })],
  ])("publishing %s is refused, and leaves no files", async (_, bytes) => {
    const response = await service.publish("refused", bytes);
    expect(response).toMatchObject({
      status: 400,
      body: { code: "invalid_model", detail: expect.stringContaining("refused") },
    });
    expect(await keysOf("refused")).toEqual([]);
    expect(await service.request("/v2/models/refused")).toMatchObject({ status: 404 });
    // The name is still unused.
    expect(await service.publish("refused", sum(1))).toMatchObject({ status: 201 });
    expect(await remove("refused/versions/1")).toMatchObject({ status: 200 });
  });

  test("publishing a name that a route of Triton would hide is refused", async () => {
    expect(await service.publish("stats", sum(1))).toMatchObject({
      status: 400,
      body: {
        code: "invalid_request",
        detail: expect.stringMatching(/^No model can be named "stats": GET \/v2\/models\/stats /),
      },
    });
    expect(await keysOf("stats")).toEqual([]);
    expect(await service.publish("statistics", sum(1))).toMatchObject({ status: 201 });
    expect(await remove("statistics/versions/1")).toMatchObject({ status: 200 });
  });

  test("publishing a model over MAX_MODEL_BYTES is refused before it is sent", async () => {
    const socket = await beginPut(service.origin, "/admin/models/refused/versions/1", {
      authorization: `Bearer ${ADMIN_KEY}`,
      beginning: new Uint8Array(1),
      sizeBytes: MAX_MODEL_BYTES + 1,
    });
    expect(await readResponse(socket)).toMatchObject({
      status: 413,
      body: {
        code: "body_too_large",
        detail: expect.stringContaining("MAX_MODEL_BYTES"),
        details: { limitBytes: MAX_MODEL_BYTES },
      },
    });
    socket.destroy();
    expect(await keysOf("refused")).toEqual([]);
  });

  test("publishing a model that needs more memory than the budget is refused", async () => {
    const response = await service.publish("refused", constantOnes([10_000n, 10_000n]));
    expect(response).toMatchObject({
      status: 507,
      body: {
        code: "out_of_memory",
        detail: expect.stringMatching(
          /^model "refused" version 1 needs more memory while it is loaded than the budget of 104 MiB \(OWN_ISOLATE_BUDGET_BYTES\) allows\. Convert the model to ORT format, .*int8, or publish a smaller one\.$/,
        ),
        details: { budgetBytes: 109_051_904 },
      },
    });
    expect(await keysOf("refused")).toEqual([]);
  });

  test("publishing a body without content-length is refused", async () => {
    const body = new Blob([buildOnnx(sum(1))]).stream();
    const response = await service.administer("/models/refused/versions/1", {
      method: "PUT",
      body,
      duplex: "half",
    } as RequestInit);
    expect(response).toMatchObject({ status: 411, body: { code: "length_required" } });
    expect(await keysOf("refused")).toEqual([]);
  });

  test.each([null, ""])("publishing without a body is refused: %j", async (body) => {
    const response = await service.administer("/models/refused/versions/1", {
      method: "PUT",
      body,
    });
    expect(response).toMatchObject({ status: 400, body: { code: "empty_body" } });
    expect(await keysOf("refused")).toEqual([]);
  });

  test.each(["POST", "PATCH"])("the method %s of a version is refused", async (method) => {
    const response = await service.administer("/models/refused/versions/1", { method });
    expect(response).toMatchObject({ status: 405, body: { code: "method_not_allowed" } });
    expect(response.headers.get("allow")).toBe("GET, HEAD, PUT, DELETE");
  });
});

describe("an upload whose client disconnects", () => {
  const bytes = buildOnnx(product(4, 3));
  const upload = (name: string, length: number) =>
    beginPut(service.origin, `/admin/models/${name}/versions/1`, {
      authorization: `Bearer ${ADMIN_KEY}`,
      beginning: bytes.subarray(0, length),
      sizeBytes: bytes.length,
    });

  const lengths = [0, 1, 1_000_000, bytes.length - 1];
  test.each(lengths)(
    "an upload that is aborted after %i bytes leaves no version",
    async (length) => {
      const name = `cut-${length}`;
      const { abandoned } = await service.storage();
      const socket = await upload(name, length);
      await service.request("/v2/health/live");
      socket.resetAndDestroy();
      await service.storage((state) => state.abandoned === abandoned + 1);
      expect(await service.request(`/v2/models/${name}`)).toMatchObject({ status: 404 });
      expect(await service.publish(name, sum(1))).toMatchObject({ status: 201 });
      expect(await infer(name)).toMatchObject(outputs(2));
      const { file } = JSON.parse(await textOf(`models/${name}/1/manifest.json`)) as Manifest;
      expect(await keysOf(name)).toEqual([
        `models/${name}/1/${file}`,
        `models/${name}/1/manifest.json`,
      ]);
    },
  );

  test("an upload that is aborted after its last byte leaves a complete version", async () => {
    await service.hold();
    const { abandoned } = await service.storage();
    const socket = await upload("whole", bytes.length);
    await service.storage(({ holding }) => holding === 1);
    socket.resetAndDestroy();
    await service.storage((state) => state.abandoned === abandoned + 1);
    expect(await service.request("/v2/models/whole")).toMatchObject({ status: 404 });
    await service.release();
    await poll("published version", async () => {
      const { status } = await service.request("/v2/models/whole");
      return status === 404 ? undefined : status;
    });
    expect(await keysOf("whole")).toHaveLength(2);
    expect(await service.request("/v2/models/whole/ready")).toMatchObject({ status: 200 });
  });

  async function textOf(key: string): Promise<string> {
    return (await (await service.bucket.get(key))?.text()) ?? "";
  }
});

describe("deleting", () => {
  test("deleting a version removes its files and frees its memory at once", async () => {
    await service.publish("ended", sum(1));
    await service.bucket.put("models/ended/1/labels.txt", "an asset");
    expect(await infer("ended")).toMatchObject(outputs(2));
    expect(await remove("ended/versions/1")).toMatchObject({
      status: 200,
      body: { deleted: { name: "ended", version: "1" } },
    });
    expect(await infer("ended")).toMatchObject({ status: 404, body: { code: "model_not_found" } });
    expect(await infer("ended/versions/1")).toMatchObject({ status: 404 });
    expect(await keysOf("ended")).toEqual([]);
    const { cells } = await service.runtime();
    const loaded = cells.flatMap(({ models }) => models.map(({ name }) => name));
    expect(loaded).not.toContain("ended");
  });

  test("deleting a version leaves the other versions", async () => {
    for (const version of ["1", "2", "12"])
      await service.publish("kept", sum(Number(version)), version);
    expect(await remove("kept/versions/12")).toMatchObject({ status: 200 });
    expect(await infer("kept")).toMatchObject(outputs(3));
    expect(await remove("kept/versions/1")).toMatchObject({ status: 200 });
    expect(await infer("kept")).toMatchObject(outputs(3));
    expect(await infer("kept/versions/1")).toMatchObject({
      status: 404,
      body: { code: "version_not_found", details: { versions: ["2"] } },
    });
  });

  test.each(["nobody/versions/1", "newest/versions/7", "newest/versions/0", "NOBODY/versions/1"])(
    "deleting %s, which does not exist, fails with 404",
    async (path) => {
      expect(await remove(path)).toMatchObject({ status: 404 });
    },
  );

  test("deleting a version twice fails the second time, with the time of the first", async () => {
    await service.publish("twice", sum(1));
    const { body } = await remove("twice/versions/1");
    const { routing } = body as { routing: { deleted: Record<string, { at: string }> } };
    const at = routing.deleted["1"]?.at;
    expect(at).toEqual(expect.any(String));
    expect(await remove("twice/versions/1")).toMatchObject({
      status: 404,
      body: { code: "version_not_found", details: { at } },
    });
  });

  test("the number of a deleted version has the same file again, or another one by force", async () => {
    const publish = (bias: number, query = ""): Promise<TestResponse> =>
      service.administer(`/models/reborn/versions/1${query}`, {
        method: "PUT",
        body: buildOnnx(sum(bias)),
      });
    expect(await publish(1)).toMatchObject({ status: 201 });
    expect(await remove("reborn/versions/1")).toMatchObject({ status: 200 });
    expect(await publish(2)).toMatchObject({ status: 409, body: { code: "version_deleted" } });
    expect(await infer("reborn", 0)).toMatchObject({ status: 404 });
    expect(await publish(1)).toMatchObject({ status: 201 });
    expect(await infer("reborn", 0)).toMatchObject(outputs(1));
    expect(await publish(2, "?force=true")).toMatchObject({
      status: 409,
      body: { code: "version_exists" },
    });
    for (const bias of [2, 3]) {
      expect(await remove("reborn/versions/1")).toMatchObject({ status: 200 });
      expect(await publish(bias, "?force=true")).toMatchObject({ status: 201 });
      expect(await infer("reborn", 0)).toMatchObject(outputs(bias));
    }
    const { body } = await service.administer("/models/reborn/history");
    const { entries } = body as { entries: { action: string; version: string }[] };
    expect(entries.map(({ action }) => action)).toEqual([
      ...["publish", "delete"],
      ...["publish", "delete"],
      ...["publish", "delete"],
    ]);
  });

  test("a version that an alias routes to is deleted by force, with the route", async () => {
    for (const version of ["1", "2"])
      await service.publish("routed", sum(Number(version)), version);
    const route = (alias: string, value: object): Promise<TestResponse> =>
      service.administer(`/models/routed/aliases/${alias}`, {
        method: "PUT",
        body: JSON.stringify(value),
      });
    expect(await route("production", { split: { "1": 1, "2": 1 } })).toMatchObject({ status: 200 });
    expect(await route("canary", { version: "2" })).toMatchObject({ status: 200 });
    expect(await remove("routed/versions/2")).toMatchObject({
      status: 409,
      body: { code: "version_in_use", details: { aliases: ["production", "canary"] } },
    });
    expect(await infer("routed/versions/2", 0)).toMatchObject(outputs(2));
    const one = { split: [{ version: "1", weight: 1 }] };
    expect(await remove("routed/versions/2?force=true")).toMatchObject({
      status: 200,
      body: {
        removedRoutes: [
          { alias: "production", to: one },
          { alias: "canary", to: null },
        ],
        routing: { aliases: { production: one }, deleted: { "2": {} } },
      },
    });
    expect(await infer("routed@production", 0)).toMatchObject(outputs(1));
    expect(await infer("routed@canary")).toMatchObject({ status: 404 });
    expect(await infer("routed", 0)).toMatchObject(outputs(1));
  });

  test("a version whose manifest or file is damaged can be deleted", async () => {
    await store(service.bucket, "damaged", sum(1));
    await service.bucket.delete("models/damaged/1/model.onnx");
    expect(await remove("damaged/versions/1")).toMatchObject({ status: 200 });
    await store(service.bucket, "damaged", sum(1));
    await service.bucket.put("models/damaged/1/manifest.json", "{");
    expect(await remove("damaged/versions/1")).toMatchObject({ status: 200 });
    expect(await keysOf("damaged")).toEqual([]);
  });
});

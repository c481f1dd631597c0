import { createHash } from "node:crypto";
import { beforeEach, expect, test, vi } from "vitest";
import { sum } from "../../support/awkward-models.ts";
import type { FaultyService } from "../../support/faults/faulty-service.ts";
import { codeOf, type Scenario, sweepFaults } from "../../support/faults/sweep.ts";
import { manifestOf } from "../../support/memory-models.ts";
import { buildOnnx } from "../../support/onnx-builder.ts";
import type { TestResponse } from "../../support/service.ts";
import { digestField } from "../../support/uploads.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Changes by administrators, while each call of R2, KV and the Cache API that they take has each fault. */

stubWorkersGlobals();

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  return () => vi.useRealTimers();
});

const PLUS_1 = buildOnnx(sum(1));
const PLUS_2 = buildOnnx(sum(2));
const VERSION = "/admin/models/sum/versions";
const SETTINGS = { CACHE_TIERS: "" };

const put = (service: FaultyService, path: string, body: RequestInit["body"], headers = {}) =>
  service.request(path, { method: "PUT", body: body ?? null, headers });
const publish = (service: FaultyService): Promise<TestResponse> =>
  put(service, `${VERSION}/1`, PLUS_1);
const setAlias = (service: FaultyService, version: number): Promise<TestResponse> =>
  put(service, "/admin/models/sum/aliases/stable", JSON.stringify({ version }));

/** Versions 1 and 2 are in storage, with an answer to each in the cache. */
async function storeBoth({ storage }: FaultyService): Promise<void> {
  for (const [version, bytes] of [
    ["1", PLUS_1],
    ["2", PLUS_2],
  ] as const) {
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const manifest = {
      ...manifestOf("sum", version),
      files: [{ path: "model.onnx", sha256, sizeBytes: bytes.byteLength }],
    };
    await storage.MODELS.put(`models/sum/${version}/model.onnx`, bytes);
    await storage.MODELS.put(
      `models/sum/${version}/manifest.json`,
      Buffer.from(JSON.stringify(manifest)),
    );
    await storage.CACHE.put(`prediction/sum/${version}/-/${"a".repeat(64)}`, "an answer");
  }
}

/** The version that a reference stands for, or the code of the error, in an isolate that has just started. */
async function versionOf(service: FaultyService, reference: string): Promise<string> {
  service.restart();
  const response = await service.request(`/v2/models/${reference}`);
  return response.headers.get("x-model-version") ?? codeOf(response);
}

/** Whether storage has the file that the manifest of version 1 names. */
async function isWhole({ storage: { MODELS } }: FaultyService): Promise<boolean> {
  const stored = await MODELS.get("models/sum/1/manifest.json");
  const { file, files } = JSON.parse(await new Response(stored?.body).text());
  const model = await MODELS.get(`models/sum/1/${file}`);
  const hash = createHash("sha256").update(await new Response(model?.body).bytes());
  return files[0].path === file && files[0].sha256 === hash.digest("hex");
}

/** Removes what nothing needs, as it is done hours later. */
function collect(service: FaultyService): Promise<TestResponse> {
  vi.setSystemTime(Date.now() + 3 * 3_600_000);
  return service.request("/admin/gc", { method: "POST", body: '{"olderThanSeconds":0}' });
}

const succeeded = ({ status }: TestResponse): boolean => status < 400;

test.each<[what: string, scenario: Scenario]>([
  [
    "a publication",
    {
      models: [],
      settings: SETTINGS,
      act: (service) => publish(service),
      check: ({ status, body }) => expect([status, body]).toMatchObject([201, { version: "1" }]),
      async after(service, during) {
        const isPublished = (await versionOf(service, "sum")) === "1";
        if (succeeded(during)) expect(isPublished).toBe(true);
        const again = await publish(service);
        if (isPublished) expect(codeOf(again)).toBe("version_exists");
        else expect(again.status).toBe(201);
        await collect(service);
        expect(await isWhole(service)).toBe(true);
      },
    },
  ],
  [
    "a file that is sent in parts",
    {
      models: [],
      settings: SETTINGS,
      async prepare(service) {
        await sendPart(service, 0);
      },
      act: (service) => sendPart(service, 100),
      check: ({ body }) => expect(body).toMatchObject({ file: { complete: true } }),
      async after(service) {
        // Both parts again, as a client does that has lost its place.
        await sendPart(service, 0);
        expect(await sendPart(service, 100)).toMatchObject({ body: { file: { complete: true } } });
        const published = await service.request(`${VERSION}/1/publish`, { method: "POST" });
        expect(published.status).toBe(201);
      },
    },
  ],
  [
    "a publication of a file that was sent",
    {
      models: [],
      settings: SETTINGS,
      async prepare(service) {
        await sendPart(service, 0);
        await sendPart(service, 100);
      },
      act: (service) => service.request(`${VERSION}/1/publish`, { method: "POST" }),
      check: ({ status }) => expect(status).toBe(201),
      async after(service) {
        // What was acknowledged is there: the version, or the file.
        const again = await service.request(`${VERSION}/1/publish`, { method: "POST" });
        if (!succeeded(again)) expect(codeOf(again)).toBe("version_exists");
        expect(await isWhole(service)).toBe(true);
      },
    },
  ],
  [
    "a change of an alias",
    {
      models: [],
      settings: SETTINGS,
      async prepare(service) {
        await storeBoth(service);
        await setAlias(service, 1);
      },
      act: (service) => setAlias(service, 2),
      check: ({ status }) => expect(status).toBe(200),
      async after(service, during) {
        const found = await versionOf(service, "sum@stable");
        expect(succeeded(during) ? ["2"] : ["1", "2"]).toContain(found);
        expect((await setAlias(service, 2)).status).toBe(200);
        expect(await versionOf(service, "sum@stable")).toBe("2");
      },
    },
  ],
  [
    "a rollback",
    {
      models: [],
      settings: SETTINGS,
      async prepare(service) {
        await storeBoth(service);
        await setAlias(service, 1);
        await setAlias(service, 2);
      },
      act: (service) =>
        service.request("/admin/models/sum/aliases/stable/rollback", { method: "POST" }),
      check: ({ status }) => expect(status).toBe(200),
      async after(service, during) {
        const found = await versionOf(service, "sum@stable");
        expect(succeeded(during) ? ["1"] : ["1", "2"]).toContain(found);
        expect((await setAlias(service, 2)).status).toBe(200);
        expect(await versionOf(service, "sum@stable")).toBe("2");
      },
    },
  ],
  [
    "a deletion",
    {
      models: [],
      settings: { CACHE_TIERS: "datacenter,kv" },
      prepare: storeBoth,
      act: (service) => service.request(`${VERSION}/2?force=true`, { method: "DELETE" }),
      check: ({ body }) => expect(body).toMatchObject({ deleted: { version: "2" } }),
      async after(service, during) {
        const found = await versionOf(service, "sum@2");
        if (succeeded(during)) expect(found).toBe("version_not_found");
        else expect(["version_not_found", "2"]).toContain(found);
        const again = await service.request(`${VERSION}/2?force=true`, { method: "DELETE" });
        if (!succeeded(again)) expect(codeOf(again)).toBe("version_not_found");
        expect(await versionOf(service, "sum@2")).toBe("version_not_found");
        expect(await versionOf(service, "sum@1")).toBe("1");
        const { objects } = await service.storage.MODELS.list({ prefix: "models/sum/2/" });
        expect(objects).toEqual([]);
      },
    },
  ],
  [
    "a collection of garbage",
    {
      models: [],
      settings: SETTINGS,
      async prepare(service) {
        await storeBoth(service);
        await service.storage.MODELS.put("models/sum/3/left/model.onnx", PLUS_2);
        await service.storage.MODELS.put("models/sum/1/left", PLUS_2);
        vi.setSystemTime(Date.now() + 3 * 3_600_000);
      },
      act: (service) =>
        service.request("/admin/gc", { method: "POST", body: '{"olderThanSeconds":0}' }),
      check: ({ status }) => expect(status).toBe(200),
      async after(service) {
        await collect(service);
        expect(await versionOf(service, "sum@1")).toBe("1");
        expect(await versionOf(service, "sum@2")).toBe("2");
        for (const key of ["models/sum/3/left/model.onnx", "models/sum/1/left"])
          expect(await service.storage.MODELS.head(key)).toBeNull();
      },
    },
  ],
  [
    "a purge",
    {
      models: [],
      settings: { CACHE_TIERS: "datacenter,kv" },
      prepare: storeBoth,
      act: (service) =>
        service.request("/admin/cache/purge", { method: "POST", body: '{"model":"sum"}' }),
      check: ({ status }) => expect(status).toBe(200),
      async after(service) {
        const again = await service.request("/admin/cache/purge", {
          method: "POST",
          body: '{"model":"sum"}',
        });
        expect(again).toMatchObject({ status: 200, body: { complete: true } });
        const { keys } = await service.storage.CACHE.list({ prefix: "prediction/" });
        expect(keys).toEqual([]);
      },
    },
  ],
])(
  "%s takes effect as a whole or not at all, and what was acknowledged is there when the fault is over",
  async (_, scenario) => {
    await sweepFaults(scenario);
  },
);

/** The first or the second part of a file. */
function sendPart(service: FaultyService, start: 0 | 100): Promise<TestResponse> {
  const part = start === 0 ? PLUS_1.subarray(0, 100) : PLUS_1.subarray(100);
  const range = `bytes ${start}-${start + part.byteLength - 1}/${PLUS_1.byteLength}`;
  return put(service, `${VERSION}/1/files/model.onnx`, part, {
    "content-range": range,
    "repr-digest": digestField(PLUS_1),
  });
}

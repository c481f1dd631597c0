import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import type { ShadowCounts } from "../../src/domain/shadow-statistics.ts";
import { fileKey, manifestKey, routingKey } from "../../src/storage/model-keys.ts";
import type { AdministeredService } from "../support/administration.ts";
import { quotient, sum } from "../support/awkward-models.ts";
import type { Graph } from "../support/onnx-builder.ts";
import { poll } from "../support/poll.ts";
import { disclosing, findModel, publishAs, publishWithFile } from "../support/publish.ts";
import {
  routeWithShadow,
  shadowEventOf,
  shadowEvents,
  shadowEventsOf,
} from "../support/shadows.ts";
import { shareServices } from "../support/shared-services.ts";

/**
 * Copies of requests to another version, in workerd. Version 2 of iris-logistic has been fitted to the same rows with stronger
 * regularization; how the answers of both differ is computed by scikit-learn (`recipes/shadow_fixtures.py`).
 */

interface Row {
  readonly inputs: readonly number[];
  readonly labels: readonly [first: string, second: string];
  /** Of the probabilities of a species, the largest one. */
  readonly difference: number;
}

const fixture = (file: string) => readFileSync(projectPath("test", "fixtures", "shadow", file));
const { rows } = JSON.parse(fixture("iris-logistic.json").toString()) as { rows: readonly Row[] };
const isSame = ({ labels: [first, second] }: Row): boolean => first === second;
const same = rows.find(isSame) as Row;
const different = rows.find((row) => !isSame(row)) as Row;
const iris = disclosing(findModel("iris-logistic"));

const start = shareServices();
let service: AdministeredService;

async function publishIris(bucket = service.bucket): Promise<void> {
  const bytes = Uint8Array.from(fixture("iris-logistic-2.onnx"));
  await publishAs(bucket, iris, iris.manifest);
  await publishWithFile(bucket, iris, { name: "iris-logistic", version: "2" }, "model.onnx", bytes);
  await routeWithShadow(bucket, "iris-logistic");
}

let requests = 0;
/** An id that no other request has. */
const nextId = (): string => `shadowed-${++requests}`;

beforeAll(async () => {
  service = await start({});
  await publishIris();
});

const tensor = ({ inputs }: Row) => ({
  name: "features",
  datatype: "FP32",
  shape: [1, 4],
  data: inputs,
});

function expectCompared(event: object, row: Row): void {
  expect(event).toMatchObject({
    model: "iris-logistic",
    alias: "default",
    version: "1",
    shadowVersion: "2",
    task: "tabular-classification",
    outcome: isSame(row) ? "same" : "different",
    distance: expect.closeTo(row.difference, 6),
    primaryMs: expect.any(Number),
    shadowMs: expect.any(Number),
  });
}

describe("a request is answered by its version, and copied to the shadow", () => {
  test.each(rows.map((row, index) => [index, row] as const))("as JSON, row %i", async (_, row) => {
    const id = nextId();
    const { status, headers, body } = await service.post(
      "/models/iris-logistic",
      { inputs: row.inputs },
      { "x-request-id": id },
    );
    expect([status, headers.get("x-model-version")]).toEqual([200, "1"]);
    expect(body).toMatchObject([{ label: row.labels[0] }, {}, {}]);
    const event = await shadowEventOf(service, id);
    expectCompared(event, row);
    expect(event).toMatchObject({ measure: "score_difference" });
    expect(Object.keys(event)).not.toContain("reason");
  });

  test("as a list of rows", async () => {
    const id = nextId();
    const inputs = rows.map((row) => row.inputs);
    await service.post("/models/iris-logistic", { inputs }, { "x-request-id": id });
    expect(await shadowEventOf(service, id)).toMatchObject({
      outcome: "different",
      measure: "score_difference",
      distance: expect.closeTo(Math.max(...rows.map(({ difference }) => difference)), 6),
      detail: { items: rows.length, differing: rows.filter((row) => !isSame(row)).length },
    });
  });

  test.each<[string, Row]>([
    ["same", same],
    ["different", different],
  ])(
    "as CSV, as a form, as tensors in JSON and in bytes, and in the form of KServe: %s",
    async (_, row) => {
      const form = new FormData();
      form.set("inputs", new Blob([row.inputs.join(",")], { type: "text/csv" }));
      form.set("parameters", JSON.stringify({ header: false }));
      const binary = Float32Array.from(row.inputs);
      const { data: _data, ...spec } = tensor(row);
      const head = JSON.stringify({
        inputs: [{ ...spec, parameters: { binary_data_size: binary.byteLength } }],
        parameters: { binary_data_output: true },
      });
      const requests: [path: string, init: RequestInit, measure: string][] = [
        [
          "/models/iris-logistic?header=false",
          { body: row.inputs.join(","), headers: { "content-type": "text/csv" } },
          "score_difference",
        ],
        ["/models/iris-logistic", { body: form }, "score_difference"],
        [
          "/v2/models/iris-logistic/infer",
          { body: JSON.stringify({ inputs: [tensor(row)] }) },
          "absolute_difference",
        ],
        [
          "/v2/models/iris-logistic/infer",
          {
            body: new Blob([head, binary]),
            headers: { "inference-header-content-length": String(head.length) },
          },
          "absolute_difference",
        ],
        [
          "/v1/models/iris-logistic:predict",
          { body: JSON.stringify({ instances: [row.inputs] }) },
          "absolute_difference",
        ],
      ];
      for (const [path, init, measure] of requests) {
        const id = nextId();
        const headers = { ...init.headers, "x-request-id": id };
        const { status, body } = await service.request(path, { method: "POST", ...init, headers });
        expect([path, status], JSON.stringify(body)).toEqual([path, 200]);
        const event = await shadowEventOf(service, id);
        expect(event).toMatchObject({ measure, outcome: isSame(row) ? "same" : "different" });
        // Of the index of the best label, the difference is a whole number.
        if (measure === "score_difference" || isSame(row)) expectCompared(event, row);
        else expect(event.distance).toBe(1);
      }
    },
  );

  test("with some of the outputs, which are those of the copy", async () => {
    const id = nextId();
    const { body } = await service.post(
      "/v2/models/iris-logistic/infer",
      { inputs: [tensor(different)], outputs: [{ name: "probabilities" }] },
      { "x-request-id": id },
    );
    expect(body).toMatchObject({ outputs: [{ name: "probabilities" }] });
    expectCompared(await shadowEventOf(service, id), different);
  });

  test("and neither response nor event of the request tell of it", async () => {
    const [id, plain] = [nextId(), nextId()];
    const post = (path: string, requestId: string) =>
      service.post(path, { inputs: same.inputs }, { "x-request-id": requestId });
    const shadowed = await post("/models/iris-logistic", id);
    const alone = await post("/models/iris-logistic/versions/1", plain);
    expect(shadowed.body).toEqual(alone.body);
    expect([...shadowed.headers.keys()]).toEqual([...alone.headers.keys()]);
    await shadowEventOf(service, id);
    const [event, other] = [await service.event(id), await service.event(plain)];
    expect(Object.keys(event)).toEqual(Object.keys(other));
    expect(event.version).toBe("1");
    expect(shadowEvents(service, plain)).toEqual([]);
  });
});

test("a request that fails is not copied", async () => {
  const [refused, id] = [nextId(), nextId()];
  const { status } = await service.post(
    "/models/iris-logistic",
    { inputs: [1, 2] },
    { "x-request-id": refused },
  );
  expect(status).toBe(400);
  await service.post("/models/iris-logistic", { inputs: same.inputs }, { "x-request-id": id });
  await shadowEventOf(service, id);
  expect(shadowEvents(service, refused)).toEqual([]);
});

test("a sample of the requests to an alias is copied", async () => {
  const name = "sampled";
  for (const version of ["1", "2"]) await publishAs(service.bucket, iris, { name, version });
  await routeWithShadow(service.bucket, name, { alias: "production", sample: 0.5 });
  const ids = Array.from({ length: 60 }, nextId);
  for (const id of ids)
    await service.post(
      "/models/sampled@production",
      { inputs: same.inputs },
      { "x-request-id": id },
    );
  const last = nextId();
  await routeWithShadow(service.bucket, name, { alias: "production" });
  await service.post(
    "/models/sampled@production",
    { inputs: same.inputs },
    { "x-request-id": last },
  );
  expect(await shadowEventOf(service, last)).toMatchObject({
    alias: "production",
    outcome: "same",
    distance: 0,
  });
  const copied = ids.flatMap((id) => shadowEvents(service, id));
  // Binomial of 60 and one half: outside of this once in 10^9.
  expect(copied.length).toBeGreaterThan(6);
  expect(copied.length).toBeLessThan(54);
});

test("the counts are those of the copies, by alias and pair of versions", async () => {
  const counted = await start({ EVENT_LOG: "off", CACHE_TIERS: "isolate" });
  await publishIris(counted.bucket);
  const total = 2 * rows.length;
  /** The pairs, when all copies of so many requests have ended. */
  const pairsAfter = (requests: number) =>
    poll("all copies", async () => {
      const { body } = await counted.administer("/models/iris-logistic/shadow");
      const { pairs: found } = body as { pairs: readonly ShadowCounts[] };
      const [pair] = found;
      return pair && pair.same + pair.different + pair.skipped >= requests ? found : undefined;
    });
  // One after the other: of several at once a busy machine skips some.
  for (const [index, { inputs }] of [...rows, ...rows].entries()) {
    await counted.post("/models/iris-logistic", { inputs });
    await pairsAfter(index + 1);
  }
  const pairs = await pairsAfter(total);
  const differing = 2 * rows.filter((row) => !isSame(row)).length;
  const differences = rows.map(({ difference }) => difference);
  expect(pairs).toEqual([
    {
      alias: "default",
      version: "1",
      shadowVersion: "2",
      same: total - differing,
      different: differing,
      failed: 0,
      skipped: 0,
      failures: {},
      skips: {},
      measures: {
        score_difference: {
          count: total,
          mean: expect.closeTo(differences.reduce((sum, each) => sum + each, 0) / rows.length, 6),
          max: expect.closeTo(Math.max(...differences), 6),
        },
      },
      primaryMs: expect.any(Number),
      shadowMs: expect.any(Number),
      // Answers of the cache, and the first copy, which waited for the shadow, are not timed.
      timed: rows.length - 1,
      lastAt: expect.stringMatching(/Z$/),
    },
  ]);
  expect((await counted.administer("/models/unknown/shadow")).status).toBe(404);
  expect((await counted.request("/admin/models/iris-logistic/shadow")).status).toBe(401);
});

test("the shadow's answers are stored in the cache, and read from it, as the request's directives say", async () => {
  const cached = await start({ CACHE_TIERS: "isolate" });
  await publishIris(cached.bucket);
  const inputs = [6.01, 3.02, 4.03, 1.04];
  const outcomes: unknown[] = [];
  const directives = ["", "", "no-store", "no-cache", "only-if-cached"];
  for (const cacheControl of directives) {
    const id = nextId();
    const headers = { "x-request-id": id, "cache-control": cacheControl };
    const { headers: received } = await cached.post("/models/iris-logistic", { inputs }, headers);
    const event = await shadowEventOf(cached, id);
    outcomes.push([
      received.get("cache-status")?.split(";")[1]?.trim(),
      event.primaryCache,
      event.shadowCache,
    ]);
  }
  expect(outcomes).toEqual([
    ["fwd=miss", "miss", "miss"],
    ["hit", "hit", "hit"],
    ["fwd=bypass", "bypass", "bypass"],
    ["fwd=request", "miss", "miss"],
    ["hit", "hit", "hit"],
  ]);
  // The version that is the shadow answers its own requests from the same entries.
  const { headers } = await cached.post("/models/iris-logistic/versions/2", { inputs });
  expect(headers.get("cache-status")).toContain("onnxflare; hit");
});

describe("a shadow that fails", () => {
  const infer = (name: string, id: string, inputs: readonly object[]) =>
    service.post(`/v2/models/${name}/infer`, { inputs }, { "x-request-id": id });
  const vector = (name: string, values: readonly number[], datatype = "FP32") => ({
    name,
    datatype,
    shape: [values.length],
    data: values,
  });
  async function publishBoth(name: string, first: Graph, second: Graph): Promise<void> {
    for (const [version, graph] of [
      ["1", first],
      ["2", second],
    ] as const)
      expect((await service.publish(name, graph, version)).status).toBe(201);
    await routeWithShadow(service.bucket, name);
  }

  test("by a crash of its engine affects no response", async () => {
    const difference = { ...quotient, nodes: [{ op: "Sub", inputs: ["a", "b"], outputs: ["c"] }] };
    await publishBoth("crashing", difference, quotient);
    for (let time = 0; time < 3; time++) {
      const id = nextId();
      const { status, body } = await infer("crashing", id, [
        vector("a", [-(2 ** 31)], "INT32"),
        vector("b", [-1], "INT32"),
      ]);
      expect(status).toBe(200);
      expect(body).toMatchObject({ outputs: [{ data: [1 - 2 ** 31] }] });
      expect(await shadowEventOf(service, id)).toMatchObject({
        outcome: "failed",
        errorCode: "engine_crashed",
        errorMessage: expect.any(String),
      });
    }
    const id = nextId();
    await infer("crashing", id, [vector("a", [7], "INT32"), vector("b", [1], "INT32")]);
    // 7 - 1 and 7 / 1
    expect(await shadowEventOf(service, id)).toMatchObject({ outcome: "different", distance: 1 });
  });

  test("by refusing the inputs is reported by the code of the error, without its message", async () => {
    const other: Graph = { ...sum(1), inputs: [{ name: "z", datatype: "FP32", shape: ["n"] }] };
    const renamed = { ...other, nodes: [{ op: "Add", inputs: ["z", "bias"], outputs: ["y"] }] };
    await publishBoth("refusing", sum(1), renamed);
    const id = nextId();
    expect((await infer("refusing", id, [vector("x", [1])])).status).toBe(200);
    const event = await shadowEventOf(service, id);
    expect(event).toMatchObject({ outcome: "failed", errorCode: "invalid_input" });
    expect(event).not.toHaveProperty("errorMessage");
  });

  test("by a missing file is reported, and compared again when the file is there", async () => {
    const name = "missing";
    for (const version of ["1", "2"]) await publishAs(service.bucket, iris, { name, version });
    const bytes = Uint8Array.from(fixture("iris-logistic-2.onnx"));
    await publishWithFile(service.bucket, iris, { name, version: "2" }, "model.onnx", bytes);
    await service.unloadAll();
    await service.bucket.delete(fileKey({ name, version: "2" }, "model.onnx"));
    await routeWithShadow(service.bucket, name);
    const ask = async () => {
      const id = nextId();
      const { status } = await service.post(
        `/models/${name}`,
        { inputs: same.inputs },
        { "x-request-id": id },
      );
      expect(status).toBe(200);
      return shadowEventOf(service, id);
    };
    expect(await ask()).toMatchObject({ outcome: "failed", errorCode: "model_missing" });
    await service.bucket.put(fileKey({ name, version: "2" }, "model.onnx"), bytes);
    expect(await ask()).toMatchObject({ outcome: "same", coldStart: true });
  });

  test("because its version does not exist, or no longer, leaves requests without copies", async () => {
    const name = "vanishing";
    for (const version of ["1", "2"]) await publishAs(service.bucket, iris, { name, version });
    await routeWithShadow(service.bucket, name);
    const ask = async () => {
      const id = nextId();
      const { status } = await service.post(
        `/models/${name}`,
        { inputs: same.inputs },
        { "x-request-id": id },
      );
      expect(status).toBe(200);
      return id;
    };
    await shadowEventOf(service, await ask());
    await service.bucket.delete(manifestKey({ name, version: "2" }));
    const uncopied = await ask();
    await service.bucket.delete(routingKey(name));
    await routeWithShadow(service.bucket, name, { shadow: "9" });
    const neverCopied = await ask();
    await routeWithShadow(service.bucket, "iris-logistic");
    const id = nextId();
    await service.post("/models/iris-logistic", { inputs: same.inputs }, { "x-request-id": id });
    await shadowEventOf(service, id);
    expect(shadowEvents(service, uncopied)).toEqual([]);
    expect(shadowEvents(service, neverCopied)).toEqual([]);
  });
});

describe("a shadow that is set over HTTP", () => {
  const name = "lifecycle";
  const path = `/models/${name}/aliases/production`;
  const put = (to: string, body: object) =>
    service.administer(to, { method: "PUT", body: JSON.stringify(body) });
  const ask = async (): Promise<string> => {
    const id = nextId();
    const { status } = await service.post(
      `/models/${name}@production`,
      { inputs: different.inputs },
      { "x-request-id": id },
    );
    expect(status).toBe(200);
    return id;
  };
  const pairs = async (): Promise<readonly ShadowCounts[]> => {
    const { body } = await service.administer(`/models/${name}/shadow`);
    return (body as { pairs: readonly ShadowCounts[] }).pairs;
  };

  beforeAll(async () => {
    const bytes = Uint8Array.from(fixture("iris-logistic-2.onnx"));
    await publishAs(service.bucket, iris, { name, version: "1" });
    await publishWithFile(service.bucket, iris, { name, version: "2" }, "model.onnx", bytes);
    expect((await put(path, { version: "1" })).status).toBe(200);
  });

  test("gets copies until it is removed, promoted or deleted, and its counts go with its version", async () => {
    expect(await put(`${path}/shadow`, { version: "2", sample: 1 })).toMatchObject({ status: 200 });
    expectCompared(
      { ...(await shadowEventOf(service, await ask())), alias: "default", model: "iris-logistic" },
      different,
    );
    expect(await pairs()).toMatchObject([
      { alias: "production", shadowVersion: "2", different: 1 },
    ]);

    expect((await service.administer(`${path}/shadow`, { method: "DELETE" })).status).toBe(200);
    const without = await ask();
    await put(`${path}/shadow`, { version: "2" });
    await shadowEventOf(service, await ask());
    expect(shadowEvents(service, without)).toEqual([]);

    // Version 2 answers now, and has no shadow.
    expect((await put(path, { version: "2" })).status).toBe(200);
    const promoted = await ask();
    expect(await put(`${path}/shadow`, { version: "1" })).toMatchObject({ status: 200 });
    expect(await shadowEventOf(service, await ask())).toMatchObject({
      version: "2",
      shadowVersion: "1",
      outcome: "different",
    });
    expect(shadowEvents(service, promoted)).toEqual([]);
    expect(await pairs()).toHaveLength(2);

    const version = `/models/${name}/versions/1`;
    expect((await service.administer(version, { method: "DELETE" })).status).toBe(409);
    const [deleted, ...answers] = await Promise.all([
      service.administer(`${version}?force=true`, { method: "DELETE" }),
      ...Array.from({ length: 20 }, ask),
    ]);
    expect([deleted.status, answers.length]).toEqual([200, 20]);
    const after = await ask();
    await shadowEventOf(service, await copied());
    expect(shadowEvents(service, after)).toEqual([]);
    expect(await pairs()).toEqual([]);
  });

  /** A request whose copy ends after those of all requests before. */
  async function copied(): Promise<string> {
    const id = nextId();
    await service.post("/models/iris-logistic", { inputs: same.inputs }, { "x-request-id": id });
    return id;
  }
});

describe("a slow shadow", () => {
  /** `y` as fast as can be, and after as many multiplications as take some hundred milliseconds. */
  const COLUMNS = 512;
  const RUNS = 24;
  const weights = (scale: number) =>
    Float32Array.from({ length: COLUMNS * COLUMNS }, (_, at) => ((at % 7) - 3) * scale);
  const io = {
    inputs: [{ name: "x", datatype: "FP32", shape: ["n", COLUMNS] }],
    outputs: [{ name: "y", datatype: "FP32", shape: ["n", COLUMNS] }],
  } as const;
  const quick: Graph = { ...io, nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }] };
  const slow: Graph = {
    ...io,
    nodes: Array.from({ length: RUNS }, (_, run) => ({
      op: "MatMul",
      inputs: [run === 0 ? "x" : `x${run}`, "w"],
      outputs: [run === RUNS - 1 ? "y" : `x${run + 1}`],
    })),
    weights: [{ name: "w", datatype: "FP32", shape: [COLUMNS, COLUMNS], data: weights(0.01) }],
  };
  const inputs = [
    { name: "x", datatype: "FP32", shape: [256, COLUMNS], data: Array(256 * COLUMNS).fill(0.5) },
  ];
  const ask = (id: string) =>
    service.post("/v2/models/slow/infer", { inputs }, { "x-request-id": id });

  beforeAll(async () => {
    await service.publish("slow", quick, "1");
    await service.publish("slow", slow, "2");
    await routeWithShadow(service.bucket, "slow");
  });

  test("runs after the response, whose duration does not include it", async () => {
    await ask(nextId());
    const id = nextId();
    expect((await ask(id)).status).toBe(200);
    expect(shadowEvents(service, id)).toEqual([]);
    const { shadowMs = 0, primaryMs } = await shadowEventOf(service, id);
    expect(primaryMs).toBeLessThan(shadowMs);
  });

  test("gets no more copies than may be in flight; all others are skipped, and every response is sent", async () => {
    const ids = Array.from({ length: 24 }, nextId);
    const statuses = await Promise.all(ids.map(async (id) => (await ask(id)).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
    const events = (await Promise.all(ids.map((id) => shadowEventsOf(service, id)))).flat();
    expect(events).toHaveLength(ids.length);
    const skipped = events.filter(({ outcome }) => outcome === "skipped");
    expect(new Set(skipped.map(({ reason }) => reason))).toEqual(new Set(["overloaded"]));
    expect(events.length - skipped.length).toBeGreaterThan(0);
  });

  test("is left behind by a client that leaves after its response", async () => {
    const id = nextId();
    const controller = new AbortController();
    const response = await fetch(`${service.origin}/v2/models/slow/infer`, {
      method: "POST",
      headers: { "x-request-id": id },
      body: JSON.stringify({ inputs }),
      signal: controller.signal,
    });
    await response.arrayBuffer();
    controller.abort();
    expect(await shadowEventOf(service, id)).toMatchObject({
      outcome: expect.stringMatching(/^(same|different)$/),
      shadowMs: expect.any(Number),
    });
  });
});

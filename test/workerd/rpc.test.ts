import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import type { RequestEvent } from "../../src/domain/event.ts";
import { hostingCollector } from "../support/collectors.ts";
import { poll } from "../support/poll.ts";
import { findModel, publishAs } from "../support/publish.ts";
import { routeWithShadow, shadowEventOf } from "../support/shadows.ts";
import { startWorkers, type Workers } from "../support/workers.ts";
import type { CallOutcome } from "./workers/rpc-caller/index.ts";

/** Calls of another Worker, `test/workerd/workers/rpc-caller`, over a service binding. */

const IRIS = [5.1, 3.5, 1.4, 0.2];
const ADMIN_KEY = "a-key-for-tests";
/** base64 of 32 bytes. */
const PRIVACY_KEY = "c2VjcmV0IG9mIHRlc3RzLCBvZiAzMiBieXRlcywgeWU=";
const FACES = "test/fixtures/images/astronaut.png";
const MODELS = [
  "iris-logistic",
  "sentence-embeddings",
  "face-detection",
  "penguins-gradient-boosting",
  "pocket-gpt",
];

let workers: Workers;

beforeAll(async () => {
  const abortable = {
    compatibilityFlags: ["enable_request_signal", "enable_abortsignal_rpc"],
  };
  const caller = {
    code: { outdir: inject("testWorkersBuild") },
    bindings: { TEST_WORKER: "rpc-caller" },
    r2Buckets: { MODELS: "models" },
  };
  const service = {
    ...abortable,
    code: { outdir: inject("workerBuild") },
    r2Buckets: { MODELS: "models" },
    kvNamespaces: { CACHE: "cache" },
  };
  workers = await startWorkers([
    {
      ...caller,
      ...abortable,
      name: "caller",
      serviceBindings: {
        AI: { name: "service", entrypoint: "OnnxflareEntrypoint" },
        AI_AS_TENANT: {
          name: "service",
          entrypoint: "OnnxflareEntrypoint",
          props: { principal: "tenant-7" },
        },
        AI_WITH_WRONG_PROPS: {
          name: "service",
          entrypoint: "OnnxflareEntrypoint",
          props: { principal: 7 },
        },
        AI_OF_IRIS: {
          name: "service",
          entrypoint: "OnnxflareEntrypoint",
          props: { principal: "front", scopes: ["predict", "models:read"], models: ["iris-*"] },
        },
        AI_READER: {
          name: "service",
          entrypoint: "OnnxflareEntrypoint",
          props: { scopes: ["models:read"] },
        },
      },
    },
    {
      ...caller,
      name: "old-caller",
      compatibilityDate: "2025-06-01",
      serviceBindings: { AI: { name: "service", entrypoint: "OnnxflareEntrypoint" } },
    },
    {
      name: "service",
      bindings: { MAX_QUEUE_MS: "1000000", MONITORING_FLUSH_MS: "100", ADMIN_KEY, PRIVACY_KEY },
      ...service,
      ...hostingCollector(),
    },
  ]);
  const bucket = await workers.bucket("MODELS");
  for (const name of MODELS) {
    const model = findModel(name);
    await publishAs(bucket, model, model.manifest);
  }
  for (const version of ["1", "2"])
    await publishAs(bucket, findModel("iris-logistic"), { name: "routed", version });
  const iris = findModel("iris-logistic");
  const cache = { ...iris.manifest.cache, scope: "key" as const };
  await publishAs(
    bucket,
    { ...iris, manifest: { ...iris.manifest, cache } },
    { name: "by-key", version: "3" },
  );
});

afterAll(() => workers?.dispose());

async function outcome(path: string, init?: RequestInit): Promise<CallOutcome> {
  const response = await fetch(`${workers.origin}${path}`, init);
  expect(response.status).toBe(200);
  return (await response.json()) as CallOutcome;
}

const call = (method: string, argument: unknown, query = ""): Promise<CallOutcome> =>
  outcome(`/call/${method}${query}`, { method: "POST", body: JSON.stringify(argument) });
const callCase = (method: string, name: string): Promise<CallOutcome> =>
  outcome(`/case/${method}/${encodeURIComponent(name)}`);

function event(requestId: string): Promise<RequestEvent> {
  return poll(`event of ${requestId}`, async () => {
    const line = workers.logs.find(
      ({ message }) =>
        message.startsWith('{"event":"request"') && message.includes(`"requestId":"${requestId}"`),
    );
    return line && (JSON.parse(line.message) as RequestEvent);
  });
}

/** As scikit-learn computes it: models/iris-logistic. */
const SETOSA = { label: "setosa", score: expect.closeTo(0.976807, 5) };
const PROBABILITIES = [
  expect.closeTo(0.976807, 5),
  expect.closeTo(0.023193, 5),
  expect.closeTo(1.365e-7, 9),
];

describe("predict", () => {
  test("returns what the task API responds", async () => {
    const { value } = await call("predict", { model: "iris-logistic", inputs: IRIS });
    expect(value).toMatchObject([SETOSA, { label: "versicolor" }, { label: "virginica" }]);
    const top = { model: "iris-logistic@1", inputs: [IRIS, IRIS], parameters: { top_k: 1 } };
    expect(await call("predict", top)).toMatchObject({ value: [[SETOSA], [SETOSA]] });
  });

  test("emits an event", async () => {
    const argument = { model: "iris-logistic@1", inputs: IRIS, requestId: "rpc-predict" };
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    await call("predict", { ...argument, traceparent, tracestate: "congo=1" });
    expect(await event("rpc-predict")).toMatchObject({
      traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
      parentSpanId: "00f067aa0ba902b7",
      traceState: "congo=1",
      event: "request",
      method: "RPC",
      route: "rpc",
      operation: "predict",
      operationKind: "inference",
      status: 200,
      model: "iris-logistic",
      version: "1",
      bytesIn: expect.any(Number),
    });
  });

  test("uses the prediction cache of requests over HTTP", async () => {
    const inputs = [6.5, 3.0, 5.5, 1.8];
    const first = await call("predict", {
      model: "iris-logistic",
      inputs,
      requestId: "rpc-cache-1",
    });
    const second = await call("predict", {
      model: "iris-logistic",
      inputs,
      requestId: "rpc-cache-2",
    });
    expect(second).toEqual(first);
    expect(await event("rpc-cache-1")).toMatchObject({ cache: { outcome: "miss", stored: true } });
    expect(await event("rpc-cache-2")).toMatchObject({ cache: { outcome: "hit" } });
    const bypassing = {
      model: "iris-logistic",
      inputs,
      cacheControl: "no-store",
      requestId: "rpc-cache-3",
    };
    expect(await call("predict", bypassing)).toEqual(first);
    expect(await event("rpc-cache-3")).toMatchObject({
      cache: { outcome: "bypass", reason: "no-store" },
    });
  });

  test("a model whose cache is by key has entries for each principal", async () => {
    const outcomes: (string | undefined)[] = [];
    for (const [principal, query] of [
      ["a", ""],
      ["a", ""],
      ["b", ""],
      ["a", "?tenant"],
      ["a", "?tenant"],
      [undefined, "?tenant"],
      [undefined, ""],
    ]) {
      const requestId = `rpc-scope-${outcomes.length}`;
      await call("predict", { model: "by-key", inputs: IRIS, principal, requestId }, query);
      outcomes.push((await event(requestId)).cache?.outcome);
    }
    expect(outcomes).toEqual(["miss", "hit", "miss", "miss", "hit", "miss", "miss"]);
  });

  test("calls for a subject have entries of their own, and its id is not in their events", async () => {
    const outcomes: (string | undefined)[] = [];
    const subjects: (string | undefined)[] = [];
    for (const subject of ["jane@example.org", "jane@example.org", "john@example.org", undefined]) {
      const requestId = `rpc-subject-${outcomes.length}`;
      await call("predict", { model: "by-key", inputs: IRIS, principal: "s", subject, requestId });
      const logged = await event(requestId);
      outcomes.push(logged.cache?.outcome);
      subjects.push(logged.subject);
      expect(JSON.stringify(logged)).not.toContain("example.org");
    }
    expect(outcomes).toEqual(["miss", "hit", "miss", "miss"]);
    expect(subjects[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(subjects[1]).toBe(subjects[0]);
    expect([subjects[2] === subjects[0], subjects[3]]).toEqual([false, undefined]);
    const refused = await call("predict", { model: "by-key", inputs: IRIS, subject: "two words" });
    expect(refused.error).toMatchObject({ code: "invalid_request" });
  });

  test("embeds sentences as over HTTP", async () => {
    const { value } = await call("predict", {
      model: "sentence-embeddings",
      inputs: "How do I reset my password?",
    });
    expect(value).toHaveLength(384);
  });

  test.each(["bytes", "buffer", "blob", "stream"])("takes an image as %s", async (form) => {
    const image = readFileSync(projectPath(FACES));
    const init = { method: "POST", body: new Uint8Array(image) };
    const { value } = await outcome(
      `/bytes/predict?form=${form}&model=face-detection&type=image/png`,
      init,
    );
    expect(value).toMatchObject([{ label: "face", box: { xmin: expect.any(Number) } }]);
  });

  test("takes a list of files", async () => {
    const image = readFileSync(projectPath(FACES));
    const init = { method: "POST", body: new Uint8Array(image) };
    const { value } = await outcome(
      "/bytes/predict?form=list&model=face-detection&type=image/png",
      init,
    );
    expect(value).toMatchObject([[{ label: "face" }], [{ label: "face" }]]);
  });

  test("takes a table as bytes", async () => {
    const csv =
      "island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex\nBiscoe,50.0,15.2,218,5700,male\n";
    const init = { method: "POST", body: csv };
    const { value } = await outcome(
      "/bytes/predict?form=stream&model=penguins-gradient-boosting",
      init,
    );
    expect(value).toMatchObject([[{ label: "Gentoo" }, {}, {}]]);
  });
});

describe("files that do not arrive", () => {
  const body = new Uint8Array(readFileSync(projectPath(FACES)));

  test("a stream that fails is an error of the call", async () => {
    const path = "/bytes/predict?form=failing&model=face-detection";
    expect(await outcome(path, { method: "POST", body })).toMatchObject({
      error: { code: "invalid_request", message: "inputs could not be read to its end." },
    });
  });

  test("a stream that stalls ends with the call's deadline", async () => {
    const path = "/bytes/predict?form=stalling&model=face-detection&timeoutMs=300";
    expect(await outcome(path, { method: "POST", body })).toMatchObject({
      error: { code: "body_timeout", retryable: true },
    });
  });

  test.each(["bytes", "blob", "stream"])(
    "%s of more than MAX_BODY_BYTES are refused",
    async (form) => {
      const path = `/bytes/predict?form=${form}&model=face-detection`;
      const large = new Uint8Array(17_000_000);
      expect(await outcome(path, { method: "POST", body: large })).toMatchObject({
        error: {
          code: "body_too_large",
          status: 413,
          retryable: false,
          details: { limitBytes: 16_777_216 },
        },
      });
    },
  );
});

describe("run", () => {
  test("returns typed arrays", async () => {
    const inputs = { features: { data: IRIS, shape: [1, 4] } };
    const { value } = await call("run", { model: "iris-logistic", inputs, requestId: "rpc-run" });
    expect(value).toEqual({
      model: "iris-logistic",
      version: "1",
      outputs: {
        label: { datatype: "INT64", shape: [1], data: { BigInt64Array: ["0"] } },
        probabilities: { datatype: "FP32", shape: [1, 3], data: { Float32Array: PROBABILITIES } },
      },
    });
    expect(await event("rpc-run")).toMatchObject({ operation: "run", route: "rpc", bytesOut: 20 });
  });

  test.each([
    "a typed array",
    "a view",
    "nested numbers",
    "an array itself",
    "flat numbers",
    "another array type with a datatype",
  ])("takes %s", async (name) => {
    const { value } = await callCase("run", name);
    expect(value).toMatchObject({
      outputs: { probabilities: { data: { Float32Array: PROBABILITIES } } },
    });
  });

  test("returns the outputs that are requested", async () => {
    const { value } = await callCase("run", "one output");
    expect(Object.keys((value as { outputs: object }).outputs)).toEqual(["probabilities"]);
  });

  test("takes NaN in data, as over HTTP", async () => {
    const { value } = await callCase("run", "NaN in data");
    expect(value).toMatchObject({ outputs: { probabilities: { datatype: "FP32" } } });
  });

  test.each([
    [
      "another array type",
      "invalid_datatype",
      'Input "features": expected datatype FP32, got FP64',
    ],
    ["a DataView", "invalid_input", 'Input "features" must be {data, shape, datatype}'],
    [
      "an ArrayBuffer",
      "invalid_request",
      "inputs.features.data must be a value of JSON or a typed array; got an ArrayBuffer",
    ],
    ["a Map of inputs", "invalid_request", "inputs must be a value of JSON"],
    [
      "a list of inputs",
      "invalid_request",
      '"inputs" must be an object with the model\'s inputs by their names; got an array of 1',
    ],
    [
      "a function as data",
      "invalid_request",
      "inputs.features.data must be a value of JSON or a typed array; got a function or stub",
    ],
    ["a function as shape", "invalid_request", "inputs.features.shape must be a value of JSON"],
    ["NaN in a shape", "invalid_shape", 'got "NaN" as dimension 0'],
    ["a huge shape", "invalid_shape", "got 2147483648 as dimension 0"],
    ["a negative shape", "invalid_shape", "got -1 as dimension 0"],
    ["a sparse list", "body_too_large", "has more than 10000000 values"],
    ["a deep list", "invalid_request", "is nested too deeply"],
    [
      "an unknown input",
      "invalid_input",
      'The model has no input "petals": it takes "features" (FP32 [batch, 4])',
    ],
    ["an unknown field", "invalid_input", 'Input "features" has the unknown field "dtype"'],
    ["an unknown datatype", "invalid_datatype", "datatype must be one of BOOL, UINT8"],
    ["no inputs", "invalid_input", 'Missing input "features"'],
    ["an unknown output", "unknown_output", 'The model has no output "x"'],
    ["an output twice", "invalid_request", '"outputs" names an output twice'],
    ["a sparse list of outputs", "invalid_request", '"outputs" must be a list of 1 to 1000 names'],
    [
      "outputs that are a function",
      "invalid_request",
      '"outputs" must be a list of 1 to 1000 names of the model\'s outputs; got a function or stub',
    ],
  ])("refuses %s", async (name, code, message) => {
    const { error } = await callCase("run", name);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  });
});

describe("secrets in arguments", () => {
  const key = `of_live_${"a1B2c3D4e5".repeat(5)}`;

  test.each([
    { model: key, inputs: IRIS },
    { model: `iris-logistic@${key}`, inputs: IRIS },
    { model: "iris-logistic", inputs: key },
    { model: "iris-logistic", inputs: { [key]: key } },
    { model: "iris-logistic", inputs: IRIS, parameters: { [key]: key } },
    { model: "iris-logistic", inputs: IRIS, [key]: key },
    { model: "iris-logistic", inputs: IRIS, requestId: key, principal: key },
  ])("are in no error and no event: %j", async (argument) => {
    for (const method of ["predict", "run", "stream"]) {
      const answer = await call(method, argument);
      expect(JSON.stringify(answer)).not.toContain(key);
    }
    await call("predict", { model: "iris-logistic", inputs: IRIS, requestId: "after-secrets" });
    await event("after-secrets");
    for (const { message } of workers.logs) expect(message).not.toContain(key);
  });
});

test("explain answers what the route does, with an event of its own kind", async () => {
  const parameters = { method: "exact", background: [[6.7, 3, 5.2, 2.3]] };
  const argument = { model: "iris-logistic", inputs: IRIS, parameters, requestId: "rpc-explain" };
  const { value } = await call("explain", argument);
  expect(value).toMatchObject({ method: "exact", output_names: ["setosa"], data: IRIS });
  expect(await event("rpc-explain")).toMatchObject({
    operation: "explain",
    operationKind: "explanation",
    explanation: { method: "exact", exact: true },
  });
  const refused = await call("explain", { ...argument, parameters: { method: "none" } });
  expect(refused).toMatchObject({ error: { code: "invalid_request", status: 400 } });
  const query = "?iris";
  expect(await call("explain", argument, query)).toMatchObject({ error: { code: "forbidden" } });
});

test("feedback ties truths to the calls of the Worker, one by one", async () => {
  await call("predict", { model: "iris-logistic", inputs: IRIS, requestId: "rpc-truth" });
  const truth = { requestId: "rpc-truth", truth: "setosa" };
  // The prediction reaches the collector after the call.
  const recorded = await poll("recorded truth", async () => {
    const { value, error } = await call("feedback", { model: "iris-logistic", feedback: truth });
    if (error !== undefined) expect(error).toMatchObject({ code: "prediction_not_found" });
    return value;
  });
  expect(recorded).toMatchObject({ requestId: "rpc-truth", version: "1" });
  const several = [truth, { requestId: "rpc-nobody", truth: "setosa" }, { requestId: 7 }];
  const argument = { model: "iris-logistic", feedback: several, requestId: "rpc-feedback" };
  expect(await call("feedback", argument)).toMatchObject({
    value: {
      counts: { unchanged: 1, failed: 2 },
      results: [
        { requestId: "rpc-truth", status: "unchanged" },
        { code: "prediction_not_found" },
        { code: "invalid_request" },
      ],
    },
  });
  expect(await event("rpc-feedback")).toMatchObject({
    operation: "feedback",
    operationKind: "admin",
    model: "iris-logistic",
    status: 200,
  });
  // Its binding permits predictions alone.
  expect(await call("feedback", argument, "?iris")).toMatchObject({ error: { code: "forbidden" } });
  const wrong = await call("feedback", { model: "no-such-model", feedback: truth });
  expect(wrong).toMatchObject({ error: { code: "model_not_found", status: 404 } });
});

describe("hostile arguments of predict", () => {
  test.each([
    ["a function", "invalid_request", "A call takes one object such as {model:"],
    ["a list", "invalid_request", "got an array of 1"],
    ["nothing", "invalid_request", "got nothing"],
    ["a text", "invalid_request", 'got "iris-logistic"'],
    ["a Map", "invalid_request", "got a Map"],
    ["a stub", "invalid_request", "got a function or stub"],
    [
      "a Date as inputs",
      "invalid_request",
      "inputs must be a value of JSON or a typed array, or a file",
    ],
    ["a Map as inputs", "invalid_request", "got a Map"],
    ["a Set in inputs", "invalid_request", "inputs[0][0] must be"],
    ["an Error in inputs", "invalid_request", "got an Error"],
    ["a Request in inputs", "invalid_request", "got a Request"],
    ["a regular expression in inputs", "invalid_request", "got a RegExp"],
    ["a boxed number in inputs", "invalid_request", "got a Number"],
    ["a function in inputs", "invalid_request", "inputs[0] must be a value of JSON"],
    ["a stub in inputs", "invalid_request", "got a function or stub"],
    ["a function in parameters", "invalid_request", "parameters.top_k must be a value of JSON"],
    [
      "parameters that are a function",
      "invalid_request",
      '"parameters" must be an object; got a function or stub',
    ],
    [
      "a model that is a function",
      "invalid_request",
      '"model" must be a text of 1 to 1024 characters; got a function or stub',
    ],
    [
      "a signal that is a function",
      "invalid_request",
      '"signal" must be an AbortSignal; got a function or stub',
    ],
    ["a cyclic list", "invalid_request", "is nested too deeply: more than 64"],
    ["a list that doubles", "body_too_large", "has more than 500000 arrays and objects"],
    ["a deep list", "invalid_request", "is nested too deeply: more than 64"],
    ["a sparse list", "body_too_large", "has more than 10000000 values"],
    ["a sparse list in parameters", "body_too_large", "has more than 10000000 values"],
    ["a long bigint", "value_out_of_range", "inputs[0] is an integer beyond 64 bits"],
    ["a DataView", "invalid_request", "got a DataView of 16 bytes"],
    ["NaN", "invalid_input", 'got "NaN", a missing value'],
    ["Infinity", "invalid_input", 'got "Infinity"'],
    [
      "a NaN timeout",
      "invalid_request",
      '"timeoutMs" must be a positive integer of milliseconds; got NaN',
    ],
    ["a NaN parameter", "invalid_request", "top_k"],
    ["a field __proto__", "invalid_input", "inputs"],
    ["a large array", "body_too_large", "The argument is larger than the limit of 16777216 bytes"],
    ["a list of many texts", "invalid_shape", "inputs has 400000 values, but the model takes 4"],
  ])("%s is refused", async (name, code, message) => {
    const { error } = await callCase("predict", name);
    expect(error).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test.each([
    ["typed arrays", [SETOSA]],
    ["a list of typed arrays", [[SETOSA], [SETOSA]]],
    ["bigints", [{ label: "setosa" }]],
    ["absent fields", [SETOSA]],
    ["a getter", [SETOSA]],
  ])("%s are read as JSON is", async (name, expected) => {
    const { value } = await callCase("predict", name);
    const first = (list: unknown): unknown => (list as unknown[])[0];
    if (Array.isArray(expected[0]))
      expect((value as unknown[]).map(first)).toMatchObject(expected.flat());
    else expect(first(value)).toMatchObject(expected[0] as object);
  });

  test("functions of the caller are never called", async () => {
    for (const name of [
      "a function in inputs",
      "a function in parameters",
      "a model that is a function",
    ])
      await callCase("predict", name);
    await callCase("run", "a function as data");
    expect(await (await fetch(`${workers.origin}/called`)).json()).toBe(0);
  });

  test("the service answers afterwards", async () => {
    const { value } = await call("predict", { model: "iris-logistic", inputs: IRIS });
    expect(value).toMatchObject([SETOSA, {}, {}]);
  });
});

describe("errors", () => {
  test("have code, message, status and whether to retry", async () => {
    const { error, thrown } = await call("predict", {
      model: "no-such-model",
      inputs: 1,
      requestId: "rpc-error",
    });
    expect(error).toEqual({
      code: "model_not_found",
      message: 'No model named "no-such-model" has been published.',
      status: 404,
      retryable: false,
    });
    expect(thrown).toMatchObject({
      name: "model_not_found",
      keys: expect.arrayContaining(["code", "status", "retryable"]),
    });
    expect(await event("rpc-error")).toMatchObject({
      status: 404,
      errorCode: "model_not_found",
      operation: "predict",
      route: "rpc",
    });
  });

  test("name a version that does not exist", async () => {
    const { error } = await call("run", { model: "iris-logistic@9", inputs: {} });
    expect(error).toMatchObject({ code: "version_not_found", details: { versions: ["1"] } });
  });

  test("of an unknown field name those that there are", async () => {
    const { error } = await call("predict", { model: "iris-logistic", input: IRIS });
    expect(error).toMatchObject({
      code: "invalid_request",
      message: expect.stringMatching(
        /^Unknown field "input": a call has model, timeoutMs, .*inputs, parameters\.$/,
      ),
    });
  });

  test("of a deadline that has passed can be retried", async () => {
    const argument = {
      model: "pocket-gpt",
      inputs: "Once",
      parameters: { max_new_tokens: 200 },
      timeoutMs: 30,
      cacheControl: "no-store",
    };
    const { error } = await call("predict", argument);
    expect(error).toMatchObject({
      code: "deadline_exceeded",
      retryable: true,
      details: { retryAfterSeconds: expect.any(Number) },
    });
  });
});

describe("the props of a binding", () => {
  const refused = (error: object) => ({ error: { code: "forbidden", status: 403, ...error } });

  test("name the Worker in events", async () => {
    const argument = { model: "iris-logistic", inputs: IRIS };
    for (const [query, principal] of [
      ["", "worker"],
      ["?tenant", "worker:tenant-7"],
      ["?iris", "worker:front"],
    ] as const) {
      const requestId = `rpc-principal${query}`.replace("?", "-");
      await call("predict", { ...argument, requestId, principal: "a-user" }, query);
      expect((await event(requestId)).principal).toBe(principal);
    }
  });

  test("limit a Worker to models, whether others exist or not", async () => {
    const allowed = await call("predict", { model: "iris-logistic", inputs: IRIS }, "?iris");
    expect(allowed.value).toMatchObject([SETOSA, {}, {}]);
    for (const model of ["pocket-gpt", "pocket-gpt@1", "no-such"])
      for (const method of ["predict", "run", "stream"]) {
        const [name] = model.split("@");
        const message = `The key may not use the model "${name}".`;
        expect(await call(method, { model, inputs: IRIS }, "?iris")).toMatchObject(
          refused({ message }),
        );
      }
  });

  test("limit a Worker to scopes", async () => {
    const argument = { model: "iris-logistic", inputs: IRIS };
    expect(await call("predict", argument, "?reader")).toMatchObject(
      refused({ details: { scope: "predict" } }),
    );
  });

  test("permit requests over fetch, which need a key without scopes in the props", async () => {
    const send = async (path: string, query: string) => {
      const response = await fetch(`${workers.origin}/http/${path}${query}`);
      return { status: response.status, body: (await response.json()) as { models?: unknown } };
    };
    expect(await send("admin/models", "")).toMatchObject({ status: 401 });
    expect(await send("admin/models", "?reader")).toMatchObject({ status: 200 });
    expect(await send("admin/runtime", "?iris")).toMatchObject({ status: 403 });
    expect(await send("v2/models", "?iris")).toEqual({
      status: 200,
      body: { models: ["iris-logistic"] },
    });
  });
});

describe("routing", () => {
  const features = { data: [IRIS] };
  const versionOf = async (options: object): Promise<string> => {
    const { value } = await call("run", { inputs: { features }, ...options });
    return (value as { version: string }).version;
  };

  async function administer(path: string, body: object): Promise<void> {
    const service = await workers.miniflare.getWorker("service");
    const response = await service.fetch(`https://service.example/admin/models/routed${path}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${ADMIN_KEY}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(200);
  }

  test("a call gets the version of the alias that it names", async () => {
    await administer("/aliases/stable", { version: "1" });
    const argument = { model: "routed@stable", requestId: "rpc-alias" };
    expect(await versionOf(argument)).toBe("1");
    expect(await versionOf({ model: "routed" })).toBe("2");
    expect(await event("rpc-alias")).toMatchObject({ alias: "stable", version: "1" });
    const { error } = await call("predict", { model: "routed@none", inputs: IRIS });
    expect(error).toMatchObject({ code: "alias_not_found", status: 404 });
  });

  test.each([
    ["header", (key: string) => ({ stickyKey: key })],
    ["key", (key: string) => ({ principal: key })],
    ["input", (key: string) => ({ inputs: { features: { data: [[Number(key), 1, 2, 3]] } } })],
  ] as const)("a split that is sticky by %s gives equal calls one version", async (sticky, of) => {
    await administer(`/aliases/${sticky}`, { split: { 1: 50, 2: 50 }, sticky });
    const keys = Array.from({ length: 12 }, (_, index) => String(index));
    const versions = async (): Promise<string[]> =>
      Promise.all(keys.map((key) => versionOf({ model: `routed@${sticky}`, ...of(key) })));
    const first = await versions();
    expect(new Set(first)).toEqual(new Set(["1", "2"]));
    expect(await versions()).toEqual(first);
  });

  test("a copy of a call goes to the shadow", async () => {
    await administer("/aliases/shadowed", { version: "1" });
    await administer("/aliases/shadowed/shadow", { version: "2", sample: 1 });
    const argument = { model: "routed@shadowed", inputs: IRIS, requestId: "rpc-shadow" };
    expect(await call("predict", argument)).toMatchObject({ value: [SETOSA, {}, {}] });
    const copy = await poll("event of the copy", async () =>
      workers.logs
        .map(({ message }) => message)
        .find((line) => line.includes('"event":"shadow"') && line.includes("rpc-shadow")),
    );
    expect(JSON.parse(copy)).toMatchObject({ version: "1", shadowVersion: "2", outcome: "same" });
  });
});

describe("callers of several kinds", () => {
  test("one with an old compatibility date reads errors by their messages", async () => {
    const old = await workers.miniflare.getWorker("old-caller");
    const init = { method: "POST", body: JSON.stringify({ model: "none", inputs: 1 }) };
    const response = await old.fetch("https://caller.example/call/predict", init);
    const { error, thrown } = (await response.json()) as CallOutcome;
    const message = 'No model named "none" has been published.';
    expect(thrown?.message).toBe(`model_not_found: ${message}`);
    expect(error).toEqual({ code: "model_not_found", message, status: 404, retryable: false });
    const valid = {
      method: "POST",
      body: JSON.stringify({ model: "iris-logistic", inputs: IRIS }),
    };
    const predicted = await old.fetch("https://caller.example/call/predict", valid);
    expect(await predicted.json()).toMatchObject({ value: [SETOSA, {}, {}] });
  });

  test("one that aborts its signal ends the work", async () => {
    const argument = {
      model: "pocket-gpt",
      inputs: "Once",
      parameters: { max_new_tokens: 200 },
      cacheControl: "no-store",
      requestId: "rpc-aborted",
    };
    const init = { method: "POST", body: JSON.stringify(argument) };
    const { error } = await outcome("/aborted", init);
    expect(error).toMatchObject({ code: "client_closed_request", status: 499 });
    expect((await event("rpc-aborted")).generation?.["gen_ai.usage.output_tokens"]).toBeLessThan(
      200,
    );
  });

  test("one whose binding has wrong props is told so", async () => {
    const { error } = await call("predict", { model: "iris-logistic", inputs: IRIS }, "?wrong");
    expect(error).toMatchObject({
      code: "invalid_request",
      message: 'The props of the service binding must have a text as "principal"; got 7.',
    });
  });
});

describe("stream", () => {
  const story = {
    model: "pocket-gpt",
    inputs: "Once upon a time",
    parameters: { max_new_tokens: 8 },
  };

  test("has the parts that the task API streams", async () => {
    const { value } = await outcome("/parts", { method: "POST", body: JSON.stringify(story) });
    const parts = value as { token: { text: string }; generated_text: string | null }[];
    expect(parts.length).toBeGreaterThan(1);
    const text = parts.map(({ token }) => token.text).join("");
    expect(parts.at(-1)?.generated_text).toBe(`${story.inputs}${text}`);
    const whole = await call("predict", story);
    expect(whole.value).toMatchObject([
      { generated_text: expect.stringContaining(parts.at(-1)?.generated_text ?? "-") },
    ]);
  });

  test("can be sent on to a browser as it is", async () => {
    const response = await fetch(`${workers.origin}/relay`, {
      method: "POST",
      body: JSON.stringify(story),
    });
    expect(await response.text()).toMatch(/^data: \{.*\}\n\n(data: \{.*\}\n\n)+$/);
  });

  test("ends its work when the caller cancels it", async () => {
    const long = {
      ...story,
      parameters: { max_new_tokens: 200 },
      cacheControl: "no-store",
      requestId: "rpc-cancelled",
    };
    const { value } = await outcome("/parts?most=2", {
      method: "POST",
      body: JSON.stringify(long),
    });
    expect(value).toHaveLength(2);
    const emitted = await event("rpc-cancelled");
    expect(emitted).toMatchObject({
      operation: "stream",
      status: 499,
      errorCode: "client_closed_request",
    });
    expect(emitted.generation?.["gen_ai.usage.output_tokens"]).toBeLessThan(50);
  });

  test("ends its work when the caller's own client leaves", async () => {
    const controller = new AbortController();
    const long = {
      ...story,
      parameters: { max_new_tokens: 200 },
      cacheControl: "no-store",
      requestId: "rpc-left",
    };
    const response = await fetch(`${workers.origin}/relay`, {
      method: "POST",
      body: JSON.stringify(long),
      signal: controller.signal,
    });
    await response.body?.getReader().read();
    controller.abort();
    expect(await event("rpc-left")).toMatchObject({ errorCode: "client_closed_request" });
  });

  test("of a task that is not generated step by step is refused", async () => {
    const { error } = await call("stream", { model: "iris-logistic", inputs: IRIS });
    expect(error).toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining("not generated step by step"),
    });
  });
});

test("the entrypoint answers HTTP as well", async () => {
  const response = await fetch(`${workers.origin}/http/v2`);
  expect(await response.json()).toMatchObject({ name: "onnxflare" });
});

describe("a call to a model with a shadow", () => {
  beforeAll(async () => {
    const bucket = await workers.bucket("MODELS");
    for (const version of ["1", "2"]) {
      await publishAs(bucket, findModel("iris-logistic"), { name: "shadowed", version });
      await publishAs(bucket, findModel("pocket-gpt"), { name: "shadowed-texts", version });
    }
    for (const name of ["shadowed", "shadowed-texts"]) await routeWithShadow(bucket, name);
  });

  test("is copied when it has been answered, whether it predicts, runs or streams", async () => {
    const calls: [method: string, argument: object][] = [
      ["predict", { model: "shadowed", inputs: IRIS }],
      ["run", { model: "shadowed", inputs: { features: [IRIS] } }],
      [
        "stream",
        { model: "shadowed-texts", inputs: "The old man", parameters: { max_new_tokens: 5 } },
      ],
    ];
    for (const [method, argument] of calls) {
      const requestId = `rpc-shadowed-${method}`;
      const { error } = await call(method, { ...argument, requestId });
      expect([method, error]).toEqual([method, undefined]);
      expect(await shadowEventOf(workers, requestId)).toMatchObject({
        version: "1",
        shadowVersion: "2",
        outcome: "same",
        distance: 0,
      });
    }
  });
});

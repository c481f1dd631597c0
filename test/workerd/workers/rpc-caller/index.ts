/// <reference path="../../../../worker-configuration.d.ts" />
import { RpcTarget } from "cloudflare:workers";
import type { OnnxflareService, PredictRequest } from "../../../../src/rpc/api.ts";
import { readError, readParts } from "../../../../src/rpc/caller.ts";

/**
 * A Worker that calls the service over RPC, by its binding `AI`. `POST /call/{method}` calls a method with the body's JSON, and
 * `GET /case/{name}` makes a call that JSON cannot say. Both respond with {@link CallOutcome}.
 */
export interface RpcCallerEnv {
  readonly AI: OnnxflareService;
  /** The same, with props that name the caller. */
  readonly AI_AS_TENANT: OnnxflareService;
  readonly AI_WITH_WRONG_PROPS: OnnxflareService;
  /** Some models, which it may describe as well. */
  readonly AI_OF_IRIS: OnnxflareService;
  /** All models, which it may describe alone. */
  readonly AI_READER: OnnxflareService;
}

export interface CallOutcome {
  readonly value?: unknown;
  /** What the caller reads of the error. */
  readonly error?: unknown;
  readonly thrown?: { readonly name: string; readonly message: string; readonly keys: string[] };
}

type Callable = Record<string, (argument: unknown) => Promise<unknown>>;

const IRIS = [5.1, 3.5, 1.4, 0.2];
const iris = (inputs: unknown): unknown => ({ model: "iris-logistic", inputs });
const features = (data: unknown, rest: object = { shape: [1, 4] }): unknown =>
  iris({ features: { data, ...rest } });

class Target extends RpcTarget {
  length = 4;
}

function cyclic(): unknown {
  const list: unknown[] = [1];
  list.push(list);
  return list;
}

/** 2^60 values when each is counted as often as it occurs. */
function doubling(): unknown {
  let value: unknown = [1, 2];
  for (let level = 0; level < 60; level++) value = [value, value];
  return value;
}

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
}

const called = { count: 0 };
const spy = (): number => {
  called.count += 1;
  return 1;
};

/** Arguments of `predict` that JSON does not have. */
const PREDICT: Record<string, () => unknown> = {
  "a function": () => spy,
  "a list": () => [1],
  nothing: () => undefined,
  "a text": () => "iris-logistic",
  "a Map": () => new Map([["model", "iris-logistic"]]),
  "a stub": () => new Target(),
  "a Date as inputs": () => iris(new Date(0)),
  "a Map as inputs": () => iris(new Map([["sepal length (cm)", 1]])),
  "a Set in inputs": () => iris([[new Set([1])]]),
  "an Error in inputs": () => iris([new Error("x")]),
  "a Request in inputs": () => iris([new Request("https://example.com/")]),
  "a regular expression in inputs": () => iris([/x/]),
  "a boxed number in inputs": () => iris([Object(1), 2, 3, 4]),
  "a function in inputs": () => iris([spy, 3.5, 1.4, 0.2]),
  "a stub in inputs": () => iris([new Target(), 3.5, 1.4, 0.2]),
  "a function in parameters": () => ({ ...(iris(IRIS) as object), parameters: { top_k: spy } }),
  "parameters that are a function": () => ({ ...(iris(IRIS) as object), parameters: spy }),
  "a model that is a function": () => ({ model: spy, inputs: IRIS }),
  "a signal that is a function": () => ({ ...(iris(IRIS) as object), signal: spy }),
  "a cyclic list": () => iris(cyclic()),
  "a list that doubles": () => iris(doubling()),
  "a deep list": () => iris(deep(1000)),
  "a sparse list": () => iris(new Array(1e9)),
  "a sparse list in parameters": () => ({
    ...(iris(IRIS) as object),
    parameters: { a: new Array(4e9) },
  }),
  "a long bigint": () => iris([2n ** 1_000_000n, 3.5, 1.4, 0.2]),
  "a DataView": () => iris(new DataView(new ArrayBuffer(16))),
  NaN: () => iris([Number.NaN, 3.5, 1.4, 0.2]),
  Infinity: () => iris([5.1, Number.POSITIVE_INFINITY, 1.4, 0.2]),
  "a NaN timeout": () => ({ ...(iris(IRIS) as object), timeoutMs: Number.NaN }),
  "a NaN parameter": () => ({ ...(iris(IRIS) as object), parameters: { top_k: Number.NaN } }),
  "a field __proto__": () =>
    iris(JSON.parse('{"__proto__": [1, 2], "a": {"__proto__": {"x": 1}}}')),
  "a large array": () => iris(new Float32Array(5_000_000)),
  "a list of many texts": () =>
    iris(Array.from({ length: 400_000 }, (_, index) => `text ${index}`)),
  "typed arrays": () => iris(new Float64Array(IRIS)),
  "a list of typed arrays": () => iris([new Float64Array(IRIS), new Float32Array(IRIS)]),
  "a view of a large buffer": () => iris(new Float64Array(1000).fill(1).subarray(3, 7)),
  bigints: () => iris([5n, 3n, 1n, 0n]),
  "absent fields": () => ({
    ...(iris(IRIS) as object),
    parameters: undefined,
    timeoutMs: null,
    signal: undefined,
  }),
  "a getter": () => ({
    model: "iris-logistic",
    get inputs() {
      return IRIS;
    },
  }),
};

/** Arguments of `run`. */
const RUN: Record<string, () => unknown> = {
  "a typed array": () => features(new Float32Array(IRIS)),
  "a view": () => features(new Float32Array([0, ...IRIS, 0]).subarray(1, 5)),
  "nested numbers": () => features([IRIS], {}),
  "an array itself": () => iris({ features: [IRIS] }),
  "flat numbers": () => features(IRIS),
  "another array type with a datatype": () =>
    features(new Float64Array(IRIS), { shape: [1, 4], datatype: "FP32" }),
  "one output": () => ({ ...(features([IRIS], {}) as object), outputs: ["probabilities"] }),
  "NaN in data": () => features([Number.NaN, 1, 2, 3]),
  "another array type": () => features(new Float64Array(IRIS)),
  "a DataView": () => features(new DataView(new ArrayBuffer(16))),
  "an ArrayBuffer": () => features(new Float32Array(IRIS).buffer),
  "a Map of inputs": () => iris(new Map([["features", IRIS]])),
  "a list of inputs": () => iris([{ name: "features", data: IRIS }]),
  "a function as data": () => features(spy),
  "a function as shape": () => features(IRIS, { shape: spy }),
  "NaN in a shape": () => features(IRIS, { shape: [Number.NaN, 4] }),
  "a huge shape": () => features(IRIS, { shape: [2 ** 31, 2 ** 31] }),
  "a negative shape": () => features(IRIS, { shape: [-1, 4] }),
  "a sparse list": () => features(new Array(1e9), { shape: [1e9] }),
  "a deep list": () => features(deep(1000), { shape: [1, 4] }),
  "an unknown input": () => iris({ petals: { data: IRIS } }),
  "an unknown field": () => features(IRIS, { dtype: "FP32" }),
  "an unknown datatype": () => features(IRIS, { shape: [1, 4], datatype: "FP8" }),
  "no inputs": () => iris({}),
  "an unknown output": () => ({ ...(features([IRIS], {}) as object), outputs: ["x"] }),
  "an output twice": () => ({ ...(features([IRIS], {}) as object), outputs: ["label", "label"] }),
  "a sparse list of outputs": () => ({
    ...(features([IRIS], {}) as object),
    outputs: new Array(1e9),
  }),
  "outputs that are a function": () => ({ ...(features([IRIS], {}) as object), outputs: spy }),
};

const url = (path: string): string => `https://files.example${path}`;

export default {
  async fetch(request: Request, env: RpcCallerEnv): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const [, kind, method = "", name = ""] = pathname.split("/").map(decodeURIComponent);
    const bindings: Record<string, OnnxflareService> = {
      wrong: env.AI_WITH_WRONG_PROPS,
      tenant: env.AI_AS_TENANT,
      iris: env.AI_OF_IRIS,
      reader: env.AI_READER,
    };
    const [as = ""] = searchParams.keys();
    const bound = bindings[as] ?? env.AI;
    const ai = bound as unknown as Callable;
    const call = (argument: unknown): Promise<unknown> =>
      (ai[method] as Callable[string])(argument);
    called.count = 0;
    switch (kind) {
      case "call":
        return respond(async () => call(await request.json()));
      case "case":
        return respond(async () => call((method === "run" ? RUN : PREDICT)[name]?.()));
      case "aborted":
        return respond(async () => {
          const controller = new AbortController();
          const { signal } = controller;
          const answer = env.AI.predict({ ...((await request.json()) as PredictRequest), signal });
          await scheduler.wait(100);
          controller.abort("no longer needed");
          return answer;
        });
      case "called":
        return Response.json(called.count);
      case "bytes":
        return respond(async () => call(await withFile(method, request, searchParams)));
      case "parts":
        return respond(async () => {
          const parts: unknown[] = [];
          const most = Number(searchParams.get("most") ?? 1e9);
          const stream = await env.AI.stream(await request.json());
          for await (const part of readParts(stream)) {
            parts.push(part);
            if (parts.length >= most) break;
          }
          return parts;
        });
      case "relay":
        return new Response(await env.AI.stream(await request.json()), {
          headers: { "content-type": "text/event-stream" },
        });
      case "http":
        return bound.fetch(url(`/${[method, name].filter(Boolean).join("/")}`));
    }
    return new Response(null, { status: 404 });
  },
};

/** The body as a file: `form` is how, and `model` whose. */
async function withFile(
  method: string,
  request: Request,
  search: URLSearchParams,
): Promise<unknown> {
  const bytes = await request.bytes();
  const type = search.get("type") ?? "";
  const file = (): unknown => {
    switch (search.get("form")) {
      case "bytes":
        return bytes;
      case "buffer":
        return bytes.buffer;
      case "blob":
        return new Blob([bytes], { type });
      case "stream":
        return new Blob([bytes]).stream();
      case "failing":
        return new ReadableStream({
          type: "bytes",
          pull(controller) {
            controller.enqueue(bytes.slice(0, 10));
            controller.error(new Error("the sender failed"));
          },
        });
      case "stalling":
        return new ReadableStream({
          type: "bytes",
          async pull(controller) {
            controller.enqueue(bytes.slice(0, 10));
            await scheduler.wait(600_000);
          },
        });
      case "list":
        return [bytes, new Blob([bytes], { type }).stream()];
    }
    return undefined;
  };
  const timeoutMs = search.has("timeoutMs") ? { timeoutMs: Number(search.get("timeoutMs")) } : {};
  return method && { model: search.get("model"), inputs: file(), ...timeoutMs };
}

async function respond(work: () => Promise<unknown>): Promise<Response> {
  try {
    return respondJson({ value: await work() });
  } catch (thrown) {
    const { name, message } = thrown as Error;
    const keys = Object.keys(thrown as Error);
    return respondJson({ error: readError(thrown), thrown: { name, message, keys } });
  }
}

function respondJson(outcome: CallOutcome): Response {
  const text = JSON.stringify(outcome, (_, value: unknown) => {
    if (typeof value === "bigint") return { bigint: String(value) };
    if (!ArrayBuffer.isView(value)) return value;
    const array = value as unknown as ArrayLike<number | bigint>;
    return {
      [value.constructor.name]: Array.from(array, (each) =>
        typeof each === "bigint" ? String(each) : each,
      ),
    };
  });
  return new Response(text, { headers: { "content-type": "application/json" } });
}

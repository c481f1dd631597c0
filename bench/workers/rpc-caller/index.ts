/// <reference path="../../../worker-configuration.d.ts" />
import { createClient } from "../../../packages/client/src/client.ts";
import type { OnnxflareService } from "../../../src/rpc/api.ts";

/**
 * A Worker that calls the service by its two bindings: `GET /{workload}/{transport}?seconds=1` calls one after the other for that long,
 * and responds with {@link CallerResult}.
 */
export interface CallerEnv {
  readonly AI: OnnxflareService;
  readonly HTTP: Fetcher;
}

export interface CallerResult {
  readonly calls: number;
  readonly elapsedMs: number;
  /** Of the last call; a tensor as the sum of its elements, and their number. */
  readonly value: unknown;
}

const TRANSPORTS = ["RPC", "HTTP", "HTTP, binary"] as const;
export type Transport = (typeof TRANSPORTS)[number];

const ORIGIN = "https://onnxflare.example";
const HEADERS = { "content-type": "application/json" };
const FLOWER = [5.1, 3.5, 1.4, 0.2];
const SENTENCE = "How do I reset my password when I no longer have access to my e-mail address?";
const SHAPE = [1, 3, 224, 224];

type Call = (env: CallerEnv) => Promise<unknown>;

/** Two bindings, and the same request. */
function task(model: string, inputs: unknown): Partial<Record<Transport, Call>> {
  return {
    RPC: ({ AI }) => AI.predict({ model, inputs }),
    async HTTP({ HTTP }) {
      const init = { method: "POST", headers: HEADERS, body: JSON.stringify({ inputs }) };
      const response = await HTTP.fetch(`${ORIGIN}/models/${model}`, init);
      if (!response.ok) throw new Error(await response.text());
      return response.json();
    },
  };
}

/** Levels from 0 to 255, normalized as for an image model, which gives numbers with many digits. */
const image = Float32Array.from(
  { length: SHAPE.reduce((product, size) => product * size, 1) },
  (_, index) => (((index * 7919) % 256) / 255 - 0.485) / 0.229,
);

function tensor(binary: boolean): Call {
  return async ({ HTTP }) => {
    const client = createClient({ baseUrl: ORIGIN, fetch: HTTP.fetch.bind(HTTP) as typeof fetch });
    const inputs = { x: { data: image, shape: SHAPE } };
    const { outputs } = await client.infer({ model: "identity", inputs, binary });
    return describe(outputs[0]?.data as Float32Array);
  };
}

const describe = (data: Float32Array | undefined): unknown => ({
  length: data?.length,
  sum: data?.reduce((sum, value) => sum + value, 0),
});

const WORKLOADS: Readonly<Record<string, Partial<Record<Transport, Call>>>> = {
  "iris-logistic": task("iris-logistic", FLOWER),
  "sentence-embeddings": task("sentence-embeddings", SENTENCE),
  identity: {
    async RPC({ AI }) {
      const inputs = { x: { data: image, shape: SHAPE } };
      const { outputs } = await AI.run({ model: "identity", inputs });
      return describe(outputs.y?.data as Float32Array);
    },
    HTTP: tensor(false),
    "HTTP, binary": tensor(true),
  },
};

const handler: ExportedHandler<CallerEnv> = {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const [, workload = "", transport = ""] = pathname.split("/").map(decodeURIComponent);
    const call = WORKLOADS[workload]?.[transport as Transport];
    if (!call) return new Response(`no ${workload} by ${transport}`, { status: 404 });
    const endMs = performance.now() + Number(searchParams.get("seconds")) * 1000;
    const startMs = performance.now();
    let calls = 0;
    let value: unknown;
    do {
      value = await call(env);
      calls += 1;
    } while (performance.now() < endMs);
    const result: CallerResult = { calls, elapsedMs: performance.now() - startMs, value };
    return Response.json(result);
  },
};

// biome-ignore lint/style/noDefaultExport: workerd takes a Worker's handlers from its default export.
export default handler;

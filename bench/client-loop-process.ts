import { readFileSync } from "node:fs";
import {
  createClient,
  type FetchResponse,
  type InferResult,
} from "../packages/client/src/client.ts";
import type { ClientLoop, ClientLoopResult, Phase } from "./client-loop.ts";

// The program behind client-loop.ts: reads a ClientLoop from standard input, prints a ClientLoopResult.
const loop = JSON.parse(readFileSync(0, "utf8")) as ClientLoop;
const data = Float32Array.from(loop.input.data);
const phasesMs: Partial<Record<Phase, number>> = {};
let bytesOut = 0;
let bytesIn = 0;
/** From the call of `fetch` until the body has been read; the rest is the client's own work. */
let wireMs = 0;

const client = createClient({
  baseUrl: loop.origin,
  binary: loop.binary,
  // Node requests gzip otherwise, which would dominate the measurement.
  headers: { "cache-control": "no-store", "accept-encoding": "identity" },
  retries: 0,
  fetch: async (url, init) => {
    const { body = "" } = init;
    bytesOut = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
    const start = performance.now();
    const response = await globalThis.fetch(url, init);
    const responseBody = await response.arrayBuffer();
    wireMs += performance.now() - start;
    bytesIn = responseBody.byteLength;
    addPhases(response.headers.get("server-timing") ?? "");
    return { ...pick(response), arrayBuffer: async () => responseBody };
  },
});

await runFor(loop.warmUpSeconds);
for (const phase of Object.keys(phasesMs)) delete phasesMs[phase as Phase];
wireMs = 0;
const { runs, elapsedMs, last } = await runFor(loop.seconds);
const [output] = last.outputs;
if (!output) throw new Error("the model returned no output");
const result: ClientLoopResult = {
  runs,
  elapsedMs,
  wireMs,
  phasesMs,
  bytesOut,
  bytesIn,
  output: { ...output, data: Array.from(output.data, Number) },
};
console.log(JSON.stringify(result));

/** Calls one after the other for `seconds`, at least one. */
async function runFor(
  seconds: number,
): Promise<{ runs: number; elapsedMs: number; last: InferResult }> {
  const { name, shape } = loop.input;
  const start = performance.now();
  for (let runs = 1; ; runs++) {
    const last = await client.infer({ model: loop.model, inputs: [{ name, shape, data }] });
    const elapsedMs = performance.now() - start;
    if (elapsedMs >= seconds * 1000) return { runs, elapsedMs, last };
  }
}

/** Adds the durations of a `server-timing` header: `parse;dur=1.2, infer;dur=0.1, ...`. */
function addPhases(header: string): void {
  for (const [, phase, duration] of header.matchAll(/(\w+);dur=([\d.]+)/g))
    phasesMs[phase as Phase] = (phasesMs[phase as Phase] ?? 0) + Number(duration);
}

function pick({ status, headers }: FetchResponse): Pick<FetchResponse, "status" | "headers"> {
  return { status, headers };
}

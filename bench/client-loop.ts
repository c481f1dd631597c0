import { readFileSync } from "node:fs";
import {
  createClient,
  type FetchResponse,
  type InferResult,
} from "../packages/client/src/client.ts";
import type { ClientLoop, ClientLoopResult, Phase } from "./client.ts";

// The program behind client.ts: reads a ClientLoop from standard input, prints a ClientLoopResult.
const loop = JSON.parse(readFileSync(0, "utf8")) as ClientLoop;
const data = Float32Array.from(loop.input.data);
const phasesMs: Partial<Record<Phase, number>> = {};
let bytesOut = 0;
let bytesIn = 0;
/** From the call of `fetch` until its body is there: what is left is the client's own work. */
let wireMs = 0;

const client = createClient({
  baseUrl: loop.origin,
  binary: loop.binary,
  // Node asks for gzip otherwise, which would be most of what is measured.
  headers: { "cache-control": "no-store", "accept-encoding": "identity" },
  retries: 0,
  fetch: async (url, init) => {
    const { body = "" } = init;
    bytesOut = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
    const start = performance.now();
    const response = await globalThis.fetch(url, init);
    const answer = await response.arrayBuffer();
    wireMs += performance.now() - start;
    bytesIn = answer.byteLength;
    notePhases(response.headers.get("server-timing") ?? "");
    return { ...pick(response), arrayBuffer: async () => answer };
  },
});

await runFor(loop.warmUpSeconds);
for (const phase of Object.keys(phasesMs)) delete phasesMs[phase as Phase];
wireMs = 0;
const { runs, elapsedMs, last } = await runFor(loop.seconds);
const [output] = last.outputs;
if (!output) throw new Error("the model answers nothing");
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

/** One call after the other, for so long, and at least one. */
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

/** Adds up what the Worker tells in `server-timing`: `decode;dur=1.2, infer;dur=0.1, ...`. */
function notePhases(header: string): void {
  for (const [, phase, duration] of header.matchAll(/(\w+);dur=([\d.]+)/g))
    phasesMs[phase as Phase] = (phasesMs[phase as Phase] ?? 0) + Number(duration);
}

function pick({ status, headers }: FetchResponse): Pick<FetchResponse, "status" | "headers"> {
  return { status, headers };
}

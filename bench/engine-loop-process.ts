import { readFileSync } from "node:fs";
import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import type { EngineLoop, EngineLoopResult } from "./engine-loop.ts";
import type { JsonTensor } from "./tensor-json.ts";
import { toJsonTensor } from "./workers/session-api/to-json-tensor.ts";

// The program behind engine-loop.ts: reads an EngineLoop from standard input, prints an EngineLoopResult.
const loop = JSON.parse(readFileSync(0, "utf8")) as EngineLoop;
env.wasm.numThreads = 1;
const session = await InferenceSession.create(readFileSync(loop.modelFile));
const feeds = Object.fromEntries(loop.inputs.map((input) => [input.name, toTensor(input)]));
await runFor(loop.warmUpSeconds);
const { runs, seconds } = await runFor(loop.seconds);
const values = await session.run(feeds);
const result: EngineLoopResult = {
  runs,
  seconds,
  outputs: session.outputNames.map((name) => toJsonTensor(name, values[name] as Tensor)),
};
console.log(JSON.stringify(result));

function toTensor({ name, datatype, shape, data }: JsonTensor): Tensor {
  if (datatype !== "FP32") throw new Error(`input ${name} must be FP32; got ${datatype}`);
  return new Tensor("float32", Float32Array.from(data), shape);
}

/** Reads the clock once per hundred runs, so that the loop measures only the engine. */
async function runFor(duration: number): Promise<{ runs: number; seconds: number }> {
  const start = performance.now();
  let runs = 0;
  let elapsed = 0;
  while (elapsed < duration * 1000) {
    for (let i = 0; i < 100; i++) await session.run(feeds);
    runs += 100;
    elapsed = performance.now() - start;
  }
  return { runs, seconds: elapsed / 1000 };
}

import "./worker-modules.ts";
import { readFileSync } from "node:fs";
import type { NumericTensor } from "../../src/domain/tensor.ts";
import type { EngineTexts } from "./engine-loop.ts";
import type { TextsResult } from "./texts.ts";

// The program behind engine-loop.ts: reads an EngineTexts from standard input, prints a TextsResult.
const { OrtInstance } = await import("../../src/runtime/ort-instance.ts");
const { OrtSession } = await import("../../src/runtime/ort-session.ts");
const { HeapTensor } = await import("../../src/runtime/heap-tensor.ts");

const options = JSON.parse(readFileSync(0, "utf8")) as EngineTexts;
const { cache } = options;
const instance = await OrtInstance.create(() => true);
const bytes = readFileSync(options.modelFile);
const address = instance.allocate(bytes.length);
instance.heap.set(bytes, address);
const session = new OrtSession(instance, address, bytes.length, { format: "ort", prepack: true });
const names = Array.from({ length: cache.layers }, (_, layer) => [
  `${layer}.key`,
  `${layer}.value`,
]).flat();
const { heads, headSize } = cache;
const shape = [1, heads, options.context, headSize];
const caches = names.map((name) => HeapTensor.allocate(instance, name, "FP32", shape));

generateFor(options.warmUpSeconds);
console.log(JSON.stringify(generateFor(options.seconds)));

/** Texts after one another, with nothing between their runs. */
function generateFor(duration: number): TextsResult {
  const firstMs: number[] = [];
  const ids: number[][] = [];
  const start = performance.now();
  for (let text = 0; ; text++) {
    const prompt = options.prompts[text % options.prompts.length] ?? [];
    const { tokens, untilFirstMs } = generate(prompt);
    firstMs.push(untilFirstMs);
    if (text < options.prompts.length) ids.push(tokens);
    const seconds = (performance.now() - start) / 1000;
    if (seconds >= duration && text >= options.prompts.length - 1)
      return { tokens: firstMs.length * options.tokens, seconds, firstMs, ids };
  }
}

function generate(prompt: readonly number[]): { tokens: number[]; untilFirstMs: number } {
  const start = performance.now();
  const tokens = [run(prompt, prompt.length)];
  const untilFirstMs = performance.now() - start;
  while (tokens.length < options.tokens) {
    const last = tokens.at(-1) ?? 0;
    tokens.push(run([last], prompt.length + tokens.length));
  }
  return { tokens, untilFirstMs };
}

/** The most probable token after these, which are the last of so many. */
function run(ids: readonly number[], total: number): number {
  const bind = (prefix: string) =>
    caches.map((tensor) => ({ name: `${prefix}.${tensor.name}`, tensor }));
  const feeds = [
    integers("input_ids", ids),
    integers("attention_mask", new Array<number>(total).fill(1)),
    ...bind("past_key_values"),
  ];
  const [logits] = session.run(feeds, ["logits", ...bind("present")]);
  if (!logits || !("data" in logits) || logits.datatype !== "FP32")
    throw new Error("the run has no logits");
  const { buffer, byteOffset, byteLength } = logits.data;
  const values = new Float32Array(buffer, byteOffset, byteLength / 4);
  let best = 0;
  for (let token = 1; token < values.length; token++)
    if ((values[token] ?? 0) > (values[best] ?? 0)) best = token;
  return best;
}

function integers(name: string, values: readonly number[]): NumericTensor {
  const data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return { name, datatype: "INT64", shape: [1, values.length], data };
}

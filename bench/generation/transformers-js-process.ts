import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as engine from "onnxruntime-web/wasm";
import type { TextsResult } from "./texts.ts";

// The program behind transformers-js.ts: reads its options from standard input, prints a TextsResult.

interface Options {
  readonly modulePath: string;
  readonly modelsFolder: string;
  readonly model: string;
  readonly prompts: readonly (readonly number[])[];
  readonly tokens: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** What is used of transformers.js. */
interface Transformers {
  readonly env: Record<string, unknown>;
  readonly Tensor: new (type: "int64", data: BigInt64Array, dims: readonly number[]) => object;
  readonly BaseStreamer: new () => object;
  readonly AutoModelForCausalLM: {
    from_pretrained(name: string, options: object): Promise<CausalModel>;
  };
}

interface CausalModel {
  readonly sessions: {
    readonly model: { readonly inputMetadata: { shape?: (number | string)[] }[] };
  };
  generate(options: object): Promise<{ tolist(): bigint[][] }>;
}

const options = JSON.parse(readFileSync(0, "utf8")) as Options;
// The package runs on this engine instead of its own: the one of the Worker.
Object.assign(globalThis, { [Symbol.for("onnxruntime")]: engine });
const transformers = (await import(pathToFileURL(options.modulePath).href)) as Transformers;
const { env, Tensor, BaseStreamer, AutoModelForCausalLM } = transformers;
engine.env.wasm.numThreads = 1;
// Set by the package to an address on the network.
delete engine.env.wasm.wasmPaths;
const localModelPath = join(options.modelsFolder, "/");
Object.assign(env, { allowRemoteModels: false, localModelPath, useFSCache: false });
// The engine fetches a model by its path.
const fetchFile = globalThis.fetch;
globalThis.fetch = async (url, init) => {
  const path = String(url);
  return path.startsWith(localModelPath)
    ? new Response(Uint8Array.from(readFileSync(path)))
    : fetchFile(url, init);
};
const model = await AutoModelForCausalLM.from_pretrained(options.model, {
  device: "auto",
  dtype: "fp32",
  session_options: { executionProviders: ["wasm"] },
});
// The name by which the package recognizes the dimension.
for (const input of model.sessions.model.inputMetadata)
  input.shape = input.shape?.map((size) => (size === "batch" ? "batch_size" : size)) ?? [];

await generateFor(options.warmUpSeconds);
console.log(JSON.stringify(await generateFor(options.seconds)));

async function generateFor(duration: number): Promise<TextsResult> {
  const firstMs: number[] = [];
  const ids: number[][] = [];
  const start = performance.now();
  for (let text = 0; ; text++) {
    const prompt = options.prompts[text % options.prompts.length] ?? [];
    const generated = await generate(prompt);
    firstMs.push(generated.firstMs);
    if (text < options.prompts.length) ids.push(generated.ids);
    const seconds = (performance.now() - start) / 1000;
    if (seconds >= duration && text >= options.prompts.length - 1)
      return { tokens: firstMs.length * options.tokens, seconds, firstMs, ids };
  }
}

async function generate(prompt: readonly number[]): Promise<{ ids: number[]; firstMs: number }> {
  const start = performance.now();
  let calls = 0;
  let firstMs = 0;
  const streamer = Object.assign(new BaseStreamer(), {
    put() {
      // The first call has the prompt.
      calls += 1;
      if (calls === 2) firstMs = performance.now() - start;
    },
    end() {},
  });
  const dims = [1, prompt.length];
  const output = await model.generate({
    input_ids: new Tensor("int64", BigInt64Array.from(prompt, BigInt), dims),
    attention_mask: new Tensor("int64", new BigInt64Array(prompt.length).fill(1n), dims),
    max_new_tokens: options.tokens,
    min_new_tokens: options.tokens,
    do_sample: false,
    streamer,
  });
  const [row = []] = output.tolist();
  return { ids: row.slice(prompt.length).map(Number), firstMs };
}

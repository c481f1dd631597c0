import type { R2Bucket } from "@cloudflare/workers-types";
import { Hono } from "hono";
import { QuantizedMatmul } from "../../../src/runtime/kernels/quantized-matmul.ts";
import { OrtInstance } from "../../../src/runtime/ort-instance.ts";
import { OrtSession } from "../../../src/runtime/ort-session.ts";
import type { KernelLoop, KernelTimes } from "../../kernel-loop.ts";

/** Runs a model in two engines in turns: with the products of this project, and with the engine's own. */
const app = new Hono<{ Bindings: { MODELS: R2Bucket } }>();

app.post("/", async (c) => {
  const { model, shape, words, inputs, runs, turns } = await c.req.json<KernelLoop>();
  const object = await c.env.MODELS.get(`models/${model}/1/model.ort`);
  if (!object) return c.text(`no model ${model} in the bucket`, 404);
  const file = new Uint8Array(await object.arrayBuffer());
  const feeds = inputs.map((name) => ({
    name,
    datatype: "INT64" as const,
    shape,
    data: new Uint8Array(
      BigInt64Array.from({ length: shape[0] * shape[1] }, (_, index) => {
        if (name === "input_ids") return BigInt(1 + ((index * 7919) % words));
        return name === "attention_mask" ? 1n : 0n;
      }).buffer,
    ),
  }));
  const engines = [await open(file, false), await open(file, true)];
  const run = (session: OrtSession) =>
    session.run(
      feeds,
      session.describe().outputs.map(({ name }) => name),
    );
  for (const { session } of engines) for (let i = 0; i < runs; i++) run(session);
  for (const { session } of engines) session.weights?.pack();
  const [own, ours] = engines.map(({ session }) =>
    run(session)
      .map(({ data }) => [...(data as Uint8Array)].join())
      .join(),
  );
  const ms: number[][] = engines.map(() => []);
  for (let turn = 0; turn < turns; turn++)
    for (const [index, { session }] of engines.entries()) {
      const start = performance.now();
      for (let i = 0; i < runs; i++) run(session);
      ms[index]?.push((performance.now() - start) / runs);
    }
  const times: KernelTimes = {
    isInstalled: engines[1]?.isInstalled ?? false,
    isEqual: own === ours,
    ms,
  };
  return c.json(times);
});

async function open(file: Uint8Array, withKernels: boolean) {
  const instance = await OrtInstance.create(() => true);
  const matmul = withKernels ? QuantizedMatmul.install(instance) : undefined;
  const address = instance.allocate(file.byteLength);
  instance.heap.set(file, address);
  const options = { format: "ort" as const, prepack: true };
  const traffic = { bytesIn: 0, bytesOut: 0 };
  const session = new OrtSession(instance, address, file.byteLength, options, traffic, matmul);
  return { session, isInstalled: matmul !== undefined };
}

// biome-ignore lint/style/noDefaultExport: workerd takes a Worker's handlers from its default export.
export default app;

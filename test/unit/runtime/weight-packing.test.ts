import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import type { LoadedModel, ModelSource } from "../../../src/domain/ports.ts";
import { QuantizedMatmul } from "../../../src/runtime/kernels/quantized-matmul.ts";
import { OrtInstance } from "../../../src/runtime/ort-instance.ts";
import { createMemorySource } from "../../support/memory-source.ts";
import { createPool, endLoads, ignore, lease, MIB } from "../../support/runtime-pool.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** When the weights of a model are packed, and when they are given up. */

/** Its dense layers: six of 4 x 384 x 384 and 2 x 384 x 1536, with the sums of their columns. */
const PACKED_BYTES = 6 * (4 * 384 * 384 + 2 * 384 * 1536 + 4 * (4 * 384 + 384 + 1536));
let isOfUse: boolean;
let source: ModelSource;

beforeAll(async () => {
  stubWorkersGlobals();
  isOfUse = QuantizedMatmul.install(await OrtInstance.create(() => true)) !== undefined;
  const bytes = readFileSync(projectPath("models", "sentence-embeddings", "1", "model.ort"));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const heapBytes = 34 * MIB;
  source = { ...createMemorySource(bytes, { sha256, heapBytes }), format: "ort" };
});
afterAll(() => void vi.unstubAllGlobals());

function embed(model: LoadedModel): string {
  const tensor = (name: string, values: readonly bigint[]) => ({
    name,
    datatype: "INT64" as const,
    shape: [1, values.length],
    data: new Uint8Array(BigInt64Array.from(values).buffer),
  });
  const ids = [101n, 1996n, 4937n, 7719n, 2648n, 102n];
  const feeds = [
    tensor("input_ids", ids),
    tensor(
      "attention_mask",
      ids.map(() => 1n),
    ),
    tensor(
      "token_type_ids",
      ids.map(() => 0n),
    ),
  ];
  const [output] = model.run(feeds, ["last_hidden_state"]);
  return createHash("sha256")
    .update(output?.data as Uint8Array)
    .digest("hex");
}

test("weights are packed after two runs, change no bit, and are given up when the memory is needed", async (context) => {
  if (!isOfUse) return context.skip("this machine's relaxed dot product saturates or is unknown");
  const pool = createPool(96 * MIB);
  const run = () => pool.use(source, ignore, embed);
  const first = await run();
  await endLoads();
  const { usedBytes } = pool;
  expect(await run()).toBe(first);
  expect(pool.usedBytes - usedBytes).toBeGreaterThan(PACKED_BYTES - 2 * MIB);
  expect(await run()).toBe(first);

  const held = await lease(pool, source, { reservedBytes: 50 * MIB });
  expect(embed(held.model as LoadedModel)).toBe(first);
  held.dispose();
  expect(await run()).toBe(first);
});

test("weights that do not fit beside the model are not packed", async (context) => {
  if (!isOfUse) return context.skip("this machine's relaxed dot product saturates or is unknown");
  const pool = createPool(50 * MIB);
  const first = await pool.use(source, ignore, embed);
  await endLoads();
  const { usedBytes } = pool;
  for (let i = 0; i < 3; i++) expect(await pool.use(source, ignore, embed)).toBe(first);
  expect(pool.usedBytes).toBe(usedBytes);
});

import { afterEach, expect, test } from "vitest";
import {
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { PRODUCT_COLUMNS, product } from "../../support/awkward-models.ts";
import { store } from "../../support/stored-model.ts";
import { readExpected } from "../../support/tensors.ts";

/**
 * Concurrent requests to more models than fit, compared with the same requests one after the other.
 * EVICTION_SOAK_REQUESTS=10000 sends more.
 */

const MIB = 1_048_576;
const REQUESTS = Number(process.env.EVICTION_SOAK_REQUESTS ?? 200);
/** Only there to end a hang. */
const TIMEOUT_MS = 120_000 + REQUESTS * 100;
const AT_ONCE = 64;
const SMALL = [
  "breast-cancer-svm",
  "diabetes-ridge",
  "iris-kmeans",
  "iris-logistic",
  "wine-decision-tree",
];
/** By name, how many MiB of weights. In memory each takes several times that. */
const LARGE = { "large-a": 1, "large-b": 2, "large-c": 3, "large-d": 1, "large-e": 2 };
const MODELS = [...SMALL, ...Object.keys(LARGE)];
/** For one of the larger models and the small ones, or for two of the larger ones. */
const BUDGET_BYTES = 40 * MIB;

interface Inference {
  readonly path: string;
  readonly body: string;
}

let service: AdministeredService;

afterEach(() => service?.dispose());

async function start(budgetBytes: number): Promise<void> {
  service = await startAdministeredService({
    vars: { MEMORY_BUDGET_BYTES: `${budgetBytes}`, MAX_QUEUE_MS: "1000000" },
    models: SMALL,
  });
  for (const [seed, [name, mebibytes]] of Object.entries(LARGE).entries())
    await store(service.bucket, name, product(mebibytes, seed));
}

/** Ten models, with ten different inputs each. */
const inferences: Inference[] = Array.from({ length: 100 }, (_, index) => {
  const name = MODELS[index % MODELS.length] ?? "";
  const variant = Math.floor(index / MODELS.length);
  const inputs = SMALL.includes(name)
    ? readExpected(name).inputs.map((tensor) => ({
        ...tensor,
        data: tensor.data.map((value) => value + variant),
      }))
    : [
        {
          name: "x",
          datatype: "FP32",
          shape: [1, PRODUCT_COLUMNS],
          data: Array.from({ length: PRODUCT_COLUMNS }, (_, i) => ((i * 7 + variant) % 11) - 5),
        },
      ];
  return { path: `/v2/models/${name}/infer`, body: JSON.stringify({ inputs }) };
});

/** The status and the text of the response: numbers that are equal to the last bit have the same digits. */
async function infer({ path, body }: Inference): Promise<string> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${service.origin}${path}`, { method: "POST", headers, body });
  return `${response.status} ${await response.text()}`;
}

test(
  `${REQUESTS} requests, ${AT_ONCE} at a time, with evictions throughout, get the results of sequential requests`,
  async () => {
    await start(96 * MIB);
    const expected: string[] = [];
    // Model by model, so that each is loaded once.
    for (let model = 0; model < MODELS.length; model++)
      for (let index = model; index < inferences.length; index += MODELS.length)
        expected[index] = await infer(inferences[index] as Inference);
    expect(expected.filter((response) => !response.startsWith("200 "))).toEqual([]);
    // Swapped responses would go unnoticed only where two inferences have the same one, as some of a tree have.
    expect(new Set(expected).size).toBeGreaterThan(80);
    expect(await service.runtime()).toMatchObject({ loads: MODELS.length });
    await service.dispose();

    await start(BUDGET_BYTES);
    expect(await service.runtime()).toMatchObject({ loads: 0, cells: [] });
    const wrong: { inference: string; response: string }[] = [];
    const sizes: number[] = [];
    let sent = 0;
    const sendUntilDone = async (): Promise<void> => {
      while (sent < REQUESTS) {
        const position = sent++;
        const index = shuffled(position);
        const inference = inferences[index] as Inference;
        const response = await infer(inference);
        if (response !== expected[index]) wrong.push({ inference: inference.path, response });
        if (position % 10 === 0) sizes.push(await sizeOfMemories());
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sendUntilDone));
    expect(wrong).toEqual([]);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(BUDGET_BYTES);
    expect((await service.runtime()).evictions).toBeGreaterThan(REQUESTS / 20);
  },
  TIMEOUT_MS,
);

async function sizeOfMemories(): Promise<number> {
  const { cells, usedBytes } = await service.runtime();
  return Math.max(
    usedBytes,
    cells.reduce((sum, cell) => sum + cell.memoryBytes, 0),
  );
}

/** The same order in each run: every request equally often, never the same models in a row. */
function shuffled(index: number): number {
  return (index * 37 + Math.floor(index / 100) * 13) % inferences.length;
}

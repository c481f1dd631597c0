import { afterEach, expect, test } from "vitest";
import {
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { PRODUCT_COLUMNS, product } from "../../support/awkward-models.ts";
import { store } from "../../support/stored-model.ts";
import { readExpected } from "../../support/tensors.ts";

/** Requests to more models than fit, all at once, against the same requests one after the other. */

const MIB = 1_048_576;
const REQUESTS = 1000;
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

interface Question {
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

/** Ten models, and for each of them other inputs in each of ten questions. */
const questions: Question[] = Array.from({ length: 100 }, (_, index) => {
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

/** The answer's own text: numbers that are equal to the last bit have the same digits. */
async function ask({ path, body }: Question): Promise<string> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${service.origin}${path}`, { method: "POST", headers, body });
  return `${response.status} ${await response.text()}`;
}

test(`${REQUESTS} requests, ${AT_ONCE} at once, while models are evicted all the time, are answered as one by one`, async () => {
  await start(96 * MIB);
  const expected: string[] = [];
  // Model by model, so that each is loaded once.
  for (let model = 0; model < MODELS.length; model++)
    for (let index = model; index < questions.length; index += MODELS.length)
      expected[index] = await ask(questions[index] as Question);
  expect(expected.filter((answer) => !answer.startsWith("200 "))).toEqual([]);
  // Mixed answers could hide only where two questions have the same one, as some of a tree have.
  expect(new Set(expected).size).toBeGreaterThan(80);
  expect(await service.runtime()).toMatchObject({ loads: MODELS.length });
  await service.dispose();

  await start(BUDGET_BYTES);
  expect(await service.runtime()).toMatchObject({ loads: 0, cells: [] });
  const wrong: { question: string; answer: string }[] = [];
  const sizes: number[] = [];
  let asked = 0;
  const askOnAndOn = async (): Promise<void> => {
    while (asked < REQUESTS) {
      const turn = asked++;
      const index = shuffled(turn);
      const question = questions[index] as Question;
      const answer = await ask(question);
      if (answer !== expected[index]) wrong.push({ question: question.path, answer });
      if (turn % 10 === 0) sizes.push(await sizeOfMemories());
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askOnAndOn));
  expect(wrong).toEqual([]);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(BUDGET_BYTES);
  expect((await service.runtime()).evictions).toBeGreaterThan(50);
}, 300_000);

async function sizeOfMemories(): Promise<number> {
  const { cells, usedBytes } = await service.runtime();
  return Math.max(
    usedBytes,
    cells.reduce((sum, cell) => sum + cell.memoryBytes, 0),
  );
}

/** The same order in each run: every question equally often, never the same models in a row. */
function shuffled(index: number): number {
  return (index * 37 + Math.floor(index / 100) * 13) % questions.length;
}

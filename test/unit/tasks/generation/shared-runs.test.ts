import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { ModelRuntime } from "../../../../src/domain/ports.ts";
import { OrtSession } from "../../../../src/runtime/ort-session.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import { GENERATION_CASES, TOKEN_BYTES } from "../../../support/generation-fixtures.ts";
import {
  collect,
  createGenerationTask,
  type GenerationTask,
} from "../../../support/generation-task.ts";
import { CELL_BYTES, clock, createPool } from "../../../support/runtime-pool.ts";
import { stubWorkersGlobals } from "../../../support/workers-globals.ts";

/** Texts of one model that are generated in the same runs. The small model's tokens alone are those of Python. */

/** Rows of the model are as long as its context, which is less than a small row may take. */
const CONTEXT = 128;

let pool: ModelRuntime;
let alone: GenerationTask;
let together: GenerationTask;

beforeAll(async () => {
  stubWorkersGlobals();
  pool = createPool(4 * CELL_BYTES);
  alone = await createGenerationTask(pool, "in-place");
  together = await createGenerationTask(pool, "rows");
});
afterEach(() => void vi.restoreAllMocks());
afterAll(() => void vi.unstubAllGlobals());

interface Generated {
  readonly generated_text: string;
  readonly details: { readonly tokens: readonly { readonly id: number }[] };
}

async function generate(
  task: GenerationTask,
  inputs: string,
  parameters: Record<string, unknown> = {},
): Promise<Generated> {
  const { value } = await task.whole({ inputs, parameters: { details: true, ...parameters } });
  return (value as [Generated])[0];
}

/** Prompts and answers of different lengths, drawn and greedy, that end in every way. */
const REQUESTS = GENERATION_CASES.flatMap(({ prompt, text }, index) => [
  { prompt, parameters: { max_new_tokens: 24 } },
  { prompt, parameters: { max_new_tokens: 3 + 5 * index } },
  { prompt, parameters: { temperature: 1.3, seed: index, max_new_tokens: 20 } },
  { prompt, parameters: { temperature: 0.8, top_k: 20, seed: 7 + index } },
  { prompt, parameters: { stop: [text.slice(5, 7)] } },
]);

test("texts that are generated at once are each the same as alone, in fewer runs", async () => {
  const runs = vi.spyOn(OrtSession.prototype, "run");
  const expected: Generated[] = [];
  for (const { prompt, parameters } of REQUESTS)
    expected.push(await generate(alone, prompt, parameters));
  const runsAlone = runs.mock.calls.length;
  const texts = await Promise.all(
    REQUESTS.map(({ prompt, parameters }) => generate(together, prompt, parameters)),
  );
  expect(texts.map(({ generated_text }) => generated_text)).toEqual(
    expected.map(({ generated_text }) => generated_text),
  );
  expect(texts.map(({ details }) => details.tokens.map(({ id }) => id))).toEqual(
    expected.map(({ details }) => details.tokens.map(({ id }) => id)),
  );
  expect(runs.mock.calls.length - runsAlone).toBeLessThan(runsAlone / 2);
  expect(pool.stats().leases).toEqual([]);
});

test("a text is the same when others join and leave it at any token", async () => {
  const [first, second, third] = GENERATION_CASES;
  const stream = async (prompt = "") => (await together.stream({ inputs: prompt })).parts;
  const stayed = collect(await stream(first?.prompt));
  for (const tokens of [0, 1, 2, 5]) {
    const leaving = (await stream(second?.prompt))[Symbol.asyncIterator]();
    for (let token = 0; token < tokens; token++) await leaving.next();
    await leaving.return?.();
  }
  const joined = collect(await stream(third?.prompt));
  expect((await stayed).map(({ token }) => token.id)).toEqual(first?.tokens);
  expect((await joined).map(({ token }) => token.id)).toEqual(third?.tokens);
  expect(pool.stats().leases).toEqual([]);
});

test("a text whose client does not read does not keep the others from being generated", async () => {
  const [first, second] = GENERATION_CASES;
  const { parts } = await together.stream({ inputs: first?.prompt ?? "" });
  const waiting = parts[Symbol.asyncIterator]();
  await waiting.next();
  const { details } = await generate(together, second?.prompt ?? "");
  expect(details.tokens.map(({ id }) => id)).toEqual(second?.tokens);
  const rest = await collect({ [Symbol.asyncIterator]: () => waiting });
  expect(rest.map(({ token }) => token.id)).toEqual(first?.tokens.slice(1));
});

test("rows are reserved for the texts that there are, and freed when they end", async () => {
  // While rows are copied, one of their four tensors exists twice.
  const rowBytes = (CONTEXT * TOKEN_BYTES * 5) / 4;
  const rows = () =>
    pool.stats().leases.reduce((sum, lease) => sum + lease.reservedBytes, 0) / rowBytes;
  const begun = [];
  for (const expected of [1, 2, 4, 4, 8]) {
    const { parts } = await together.stream({ inputs: "Once" });
    begun.push(parts[Symbol.asyncIterator]());
    expect(rows()).toBe(expected);
  }
  for (const text of begun.splice(2)) await text.return?.();
  expect(rows()).toBe(2);
  for (const text of begun) await text.return?.();
  expect(pool.stats().leases).toEqual([]);
});

test("a text is refused with its bytes when there is no memory for it, and the others go on", async () => {
  const large = { context: 131_072, maxNewTokens: 24 };
  const task = await createGenerationTask(createPool(3 * CELL_BYTES), "rows", large);
  const [first] = GENERATION_CASES;
  const short = collect((await task.stream({ inputs: first?.prompt ?? "" })).parts);
  const parameters = { max_new_tokens: 100_000 };
  const { parts } = await task.stream({ inputs: "a", parameters });
  const long = parts[Symbol.asyncIterator]();
  await long.next();
  const error = await rejectedApiError("overloaded", task.whole({ inputs: "a", parameters }));
  expect(error).toMatchObject({
    details: { neededBytes: expect.any(Number), availableBytes: expect.any(Number) },
  });
  expect((await short).map(({ token }) => token.id)).toEqual(first?.tokens);
  await long.return?.();
});

test("a run that fails for one text fails for that one alone", async () => {
  // The table of positions has 128 of them.
  const long = { context: 500, maxNewTokens: 24 };
  const task = await createGenerationTask(createPool(4 * CELL_BYTES), "rows", long);
  const failing = task.whole({ inputs: "a".repeat(110), parameters: { max_new_tokens: 200 } });
  const [first] = GENERATION_CASES;
  const parameters = { max_new_tokens: 60 };
  const [text] = await Promise.all([
    generate(task, first?.prompt ?? "", parameters),
    rejectedApiError("inference_failed", failing),
  ]);
  expect(text).toEqual(await generate(alone, first?.prompt ?? "", parameters));
});

test("the row of a text that was cut off is freed when its lease has expired", async () => {
  const { parts } = await together.stream({ inputs: "Once" });
  const cutOff = parts[Symbol.asyncIterator]();
  await cutOff.next();
  clock.ms += 30_000;
  const [first] = GENERATION_CASES;
  const { parts: others } = await together.stream({ inputs: first?.prompt ?? "" });
  const other = others[Symbol.asyncIterator]();
  await other.next();
  clock.ms += 30_001;
  const rest = await collect((await together.stream({ inputs: first?.prompt ?? "" })).parts);
  expect(rest.map(({ token }) => token.id)).toEqual(first?.tokens);
  await rejectedApiError("deadline_exceeded", cutOff.next());
  await other.return?.();
  expect(pool.stats().leases).toEqual([]);
});

test("texts of a model that computes others beside other texts are generated each by itself", async () => {
  // All texts of a run of this model have the positions of the longest one.
  const wrong = await createGenerationTask(pool, "in-place", {
    cache: {
      form: "in-place",
      past: "past_key_values.{layer}.{kind}",
      present: "present.{layer}.{kind}",
      layers: 2,
      heads: 2,
      headSize: 8,
      independentTokens: true,
    },
  });
  const texts = await Promise.all(
    REQUESTS.map(({ prompt, parameters }) => generate(wrong, prompt, parameters)),
  );
  for (const [index, { prompt, parameters }] of REQUESTS.entries())
    expect(texts[index]).toEqual(await generate(alone, prompt, parameters));
});

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { NO_DIRECTIVES } from "../../../../src/domain/cache-control.ts";
import { ANONYMOUS, type CallOptions, createCall } from "../../../../src/domain/call.ts";
import type { ModelRuntime } from "../../../../src/domain/ports.ts";
import { TokenIds } from "../../../../src/domain/token-ids.ts";
import { OrtSession } from "../../../../src/runtime/ort-session.ts";
import { GENERATION_CASES, TOKEN_BYTES } from "../../../support/generation-fixtures.ts";
import {
  collect,
  createGenerationTask,
  type GenerationTask,
} from "../../../support/generation-task.ts";
import { CELL_BYTES, clock, createPool, lease, MIB } from "../../../support/runtime-pool.ts";
import { stubWorkersGlobals } from "../../../support/workers-globals.ts";

/** Prefixes of prompts that are kept in the heap, and what is generated after them. */

let pool: ModelRuntime;
let forgetful: GenerationTask;

beforeAll(stubWorkersGlobals);
afterEach(() => void vi.restoreAllMocks());
afterAll(() => void vi.unstubAllGlobals());

interface Generated {
  readonly tokens: readonly { readonly id: number; readonly logprob: number }[];
  readonly cachedTokens: number | undefined;
}

async function generate(
  task: GenerationTask,
  ids: readonly number[],
  options: CallOptions = {},
): Promise<Generated> {
  const parameters = { details: true, max_new_tokens: 8, return_full_text: false };
  const call = createCall({ principal: { id: async () => "somebody" }, ...options });
  const { value, usage } = await task.whole({ inputs: new TokenIds(ids), parameters }, call);
  const [{ details }] = value as [{ details: { tokens: Generated["tokens"] } }];
  expect(call.trace.generation?.cachedTokens).toBe(usage?.cachedTokens);
  return { tokens: details.tokens, cachedTokens: usage?.cachedTokens };
}

const LONG = (GENERATION_CASES[3]?.ids ?? []) as readonly number[];

/** Prompts that begin as others do, for as long as each of them says. */
const PROMPTS = [15, 16, 17, 18, 19, 30, 31, 32, 33, 47, 48, 49, 60].flatMap((length, index) => [
  LONG.slice(0, length),
  [...LONG.slice(0, length), 5 + index, 9, 100 + index],
  [...LONG.slice(0, length - 3), ...LONG.slice(length % 7, (length % 7) + 20)],
]);

describe("a model whose tokens are independent", () => {
  let task: GenerationTask;

  beforeAll(async () => {
    pool = createPool(4 * CELL_BYTES);
    task = await createGenerationTask(pool, "rows");
    const changes = [{}, {}, { cache: { enabled: false, ttlSeconds: 60 } }];
    forgetful = await createGenerationTask(pool, "rows", ...changes);
  });

  test("generates the same, bit by bit, after prefixes that were kept", async () => {
    let cached = 0;
    for (const prompt of PROMPTS) {
      const { tokens, cachedTokens = 0 } = await generate(task, prompt);
      expect(tokens).toEqual((await generate(forgetful, prompt)).tokens);
      expect(cachedTokens === 0 || cachedTokens >= 16).toBe(true);
      expect(cachedTokens).toBeLessThanOrEqual(prompt.length - 2);
      cached += cachedTokens === 0 ? 0 : 1;
    }
    expect(cached).toBeGreaterThan(PROMPTS.length / 2);
  });

  test("reads only what is new of a second prompt, and tells how much was not", async () => {
    const runs = vi.spyOn(OrtSession.prototype, "run");
    const first = [...LONG.slice(0, 40)].reverse();
    expect((await generate(task, first)).cachedTokens).toBe(0);
    const before = runs.mock.calls.length;
    const second = [...first, 1, 2, 3];
    expect((await generate(task, second)).cachedTokens).toBe(40);
    // One of the prompt, and one for each token after the first.
    expect(runs.mock.calls.length - before).toBe(8);
    const { parts } = await task.stream(
      { inputs: new TokenIds(second), parameters: { details: true, max_new_tokens: 1 } },
      createCall({ principal: { id: async () => "somebody" } }),
    );
    const [last] = await collect(parts);
    expect(last?.details).toMatchObject({ input_length: 43, cached_tokens: 41 });
  });

  test("keeps nothing for other clients, nor for requests that forbid it", async () => {
    const prompt = LONG.slice(7, 60);
    const client = (id: string) => ({ principal: { id: async () => id } });
    const noStore = { cache: { ...NO_DIRECTIVES, noStore: true } };
    const noCache = { cache: { ...NO_DIRECTIVES, noCache: true } };
    const cachedFor = async (options: CallOptions) =>
      (await generate(task, prompt, options)).cachedTokens;
    expect(await cachedFor({ ...client("a"), ...noStore })).toBe(0);
    expect(await cachedFor(client("a"))).toBe(0);
    expect(await cachedFor(client("b"))).toBe(0);
    expect(await cachedFor(client("a"))).toBe(51);
    expect(await cachedFor({ ...client("a"), ...noCache })).toBe(0);
  });
});

test("memory that is kept is counted, and given to a text that needs it", async () => {
  const own = createPool(CELL_BYTES + 12 * MIB);
  const task = await createGenerationTask(own, "rows");
  await generate(task, LONG);
  expect(own.stats()).toMatchObject({
    leases: [],
    kept: { leases: 1, bytes: LONG.length * TOKEN_BYTES },
  });
  const large = await lease(own, task.source, { reservedBytes: 17 * MIB });
  expect(own.stats().kept).toEqual({ leases: 0, bytes: 0 });
  large.dispose();
  expect((await generate(task, LONG)).cachedTokens).toBe(0);
});

test("a prompt is kept once, and with what follows it in the place of the shorter one", async () => {
  const own = createPool(4 * CELL_BYTES);
  const task = await createGenerationTask(own, "rows");
  const bytesAfter = async (prompt: readonly number[]) => {
    await generate(task, prompt);
    return own.stats().kept;
  };
  const kept = (leases: number, tokens: number) => ({ leases, bytes: tokens * TOKEN_BYTES });
  expect(await bytesAfter(LONG.slice(0, 20))).toEqual(kept(1, 20));
  expect(await bytesAfter(LONG.slice(0, 20))).toEqual(kept(1, 20));
  expect(await bytesAfter(LONG.slice(0, 40))).toEqual(kept(1, 40));
  expect(await bytesAfter(LONG.slice(0, 30))).toEqual(kept(1, 40));
  expect(await bytesAfter([...LONG.slice(0, 30), 1])).toEqual(kept(2, 71));
  expect(await bytesAfter(LONG.slice(0, 15))).toEqual(kept(2, 71));
});

test("a model whose manifest caches nothing keeps nothing", async () => {
  const own = createPool(4 * CELL_BYTES);
  const task = await createGenerationTask(
    own,
    "rows",
    {},
    {},
    { cache: { enabled: false, ttlSeconds: 60 } },
  );
  await generate(task, LONG);
  expect(own.stats().kept).toEqual({ leases: 0, bytes: 0 });
});

test("clients without a key have nothing kept, unless the manifest discloses what is", async () => {
  const principal = ANONYMOUS;
  const cachedOf = async (cache: object | undefined) => {
    const changes = cache ? { cache: { enabled: true, ttlSeconds: 60, ...cache } } : {};
    const task = await createGenerationTask(createPool(4 * CELL_BYTES), "rows", {}, {}, changes);
    await generate(task, LONG, { principal });
    return (await generate(task, LONG, { principal })).cachedTokens;
  };
  expect(await cachedOf(undefined)).toBe(0);
  expect(await cachedOf({ scope: "key" })).toBe(0);
  expect(await cachedOf({ scope: "key", disclose: true })).toBe(0);
  expect(await cachedOf({ disclose: true })).toBe(LONG.length - 2);
});

test("a beginning that has expired is read again", async () => {
  const own = createPool(4 * CELL_BYTES);
  const task = await createGenerationTask(own, "rows");
  const now = vi.spyOn(Date, "now").mockImplementation(() => clock.ms - 600_000 + 60_000);
  await generate(task, LONG);
  now.mockRestore();
  clock.ms += 60_000;
  expect((await generate(task, LONG)).cachedTokens).toBe(0);
});

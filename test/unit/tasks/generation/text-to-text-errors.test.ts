import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createCall } from "../../../../src/domain/call.ts";
import { Deadline } from "../../../../src/domain/deadline.ts";
import type { ModelRuntime } from "../../../../src/domain/ports.ts";
import { Trace } from "../../../../src/domain/trace.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import { collect } from "../../../support/generation-task.ts";
import { CELL_BYTES, createPool } from "../../../support/runtime-pool.ts";
import {
  textToTextManifest,
  WRITTEN_CASES,
  WRITTEN_TOKEN_BYTES,
} from "../../../support/text-to-text-fixtures.ts";
import { createTextToText, type TextToTextTask } from "../../../support/text-to-text-task.ts";
import { stubWorkersGlobals } from "../../../support/workers-globals.ts";

/** What is refused, and the memory and the time of a text about another one. */

let pool: ModelRuntime;
let merged: TextToTextTask;
let crossed: TextToTextTask;

beforeAll(async () => {
  stubWorkersGlobals();
  pool = createPool(4 * CELL_BYTES);
  merged = await createTextToText(pool, textToTextManifest("merged"));
  crossed = await createTextToText(pool, textToTextManifest("crossed"));
});
afterAll(() => void vi.unstubAllGlobals());

const LOGITS_BYTES = 160 * 4;
const LONG = { max_new_tokens: 40, min_new_tokens: 40 };
const [FIRST] = WRITTEN_CASES;

describe("is refused before anything is run:", () => {
  test.each<[string, object, RegExp]>([
    ["a text that is empty", { inputs: "" }, /inputs is empty: send a text/],
    ["a list with an empty text", { inputs: ["ban", ""] }, /inputs\[1\] is empty/],
    ["an empty list", { inputs: [] }, /empty list/],
    ["a number", { inputs: 5 }, /must be a text/],
    ["a text that is too long", { inputs: "ban ".repeat(50) }, /has \d+ tokens: .* 48 at most/],
    [
      "a text that is too long, which shall not be cut",
      { inputs: "ban ".repeat(50), parameters: { truncation: "do_not_truncate" } },
      /48 at most/,
    ],
    ["another kind of truncation", { parameters: { truncation: "only_second" } }, /truncation/],
    ["an unknown parameter", { parameters: { beams: 4 } }, /beams.*it takes truncation, src_lang/s],
    [
      "an unknown parameter of the generation",
      { parameters: { generate_parameters: { beams: 4 } } },
      /beams.*generate_parameters/s,
    ],
    [
      "a parameter that is sent twice",
      { parameters: { num_beams: 2, generate_parameters: { num_beams: 2 } } },
      /"num_beams" is sent twice/,
    ],
    [
      "a language that is not known",
      { parameters: { src_lang: "it" } },
      /"src_lang" is "it".*"en", "de", "fr"/,
    ],
    [
      "the name of a property",
      { parameters: { tgt_lang: "constructor" } },
      /"tgt_lang" is "constructor"/,
    ],
    ["too many beams", { parameters: { num_beams: 17 } }, /num_beams/],
    [
      "draws of beam search",
      { parameters: { num_beams: 2, do_sample: true } },
      /"do_sample" cannot/,
    ],
    ["stop strings of beam search", { parameters: { num_beams: 2, stop: ["a"] } }, /"stop" cannot/],
    [
      "other tokens of beam search",
      { parameters: { num_beams: 2, details: true, top_n_tokens: 2 } },
      /"top_n_tokens" cannot/,
    ],
    [
      "a length penalty without beams",
      { parameters: { length_penalty: 2 } },
      /"length_penalty" has an effect only/,
    ],
    [
      "an end of beams without beams",
      { parameters: { early_stopping: true } },
      /"early_stopping" has an effect only/,
    ],
    [
      "more texts than beams",
      { parameters: { num_beams: 2, num_return_sequences: 3 } },
      /"num_return_sequences" is 3, .* finds 2/,
    ],
    [
      "two lengths",
      { parameters: { max_new_tokens: 5, max_length: 5 } },
      /"max_new_tokens" is 5 and "max_length" 5/,
    ],
    ["two least lengths", { parameters: { min_new_tokens: 5, min_length: 5 } }, /"min_length" 5/],
    [
      "more tokens than the context has",
      { parameters: { max_length: 49 } },
      /"max_length" is 49, .* has 48 tokens, .* at most 48 are/,
    ],
    ["no token", { parameters: { max_length: 1 } }, /"max_length" is 1, .* send 2 at least/],
    [
      "more tokens at least than at most",
      { parameters: { max_new_tokens: 5, min_length: 20 } },
      /"min_length" is 20, and 5 tokens/,
    ],
    ["tokens that are unknown", { parameters: { bad_words_ids: [[160]] } }, /token 160/],
    [
      "top tokens without details",
      { parameters: { top_n_tokens: 2 } },
      /"top_n_tokens" has an effect only/,
    ],
    ["a streamed list", { inputs: ["ban"], stream: true }, /"inputs" is a list/],
    [
      "a stream of several texts",
      { stream: true, parameters: { num_beams: 2, num_return_sequences: 2 } },
      /"num_return_sequences" is above 1/,
    ],
    [
      "a stream that is cleaned up",
      { stream: true, parameters: { clean_up_tokenization_spaces: true } },
      /"clean_up_tokenization_spaces" changes a whole text/,
    ],
  ])("%s", async (_, request, message) => {
    const before = pool.stats();
    await expect(merged.whole({ inputs: "ban", ...request })).rejects.toThrow(message);
    expect(pool.stats()).toMatchObject({ bytesIn: before.bytesIn, leases: [] });
  });

  test("languages of a model that has no choice of them", async () => {
    const manifest = textToTextManifest("merged", "translation", {}, { languages: undefined });
    const task = await createTextToText(pool, manifest);
    for (const field of ["src_lang", "tgt_lang"])
      await expect(task.whole({ inputs: "ban", parameters: { [field]: "en" } })).rejects.toThrow(
        `"${field}" is "en", and the model has no choice of languages`,
      );
  });
});

test("parameters that are null are left out, also those of the generation", async () => {
  const parameters = {
    src_lang: null,
    clean_up_tokenization_spaces: null,
    generate_parameters: { num_beams: null, max_new_tokens: 3, temperature: null },
  };
  expect((await merged.whole({ inputs: FIRST?.text, parameters })).usage?.outputTokens).toBe(3);
});

test("the end of a text that is too long is cut off when the request says so", async () => {
  const inputs = "ban ".repeat(50);
  const cuts = ["longest_first", "only_first", true];
  const results = await Promise.all(
    cuts.map((truncation) => merged.whole({ inputs, parameters: { truncation } })),
  );
  for (const { value, usage } of results) {
    expect(value).toEqual(results[0]?.value);
    expect(usage?.inputTokens).toBe(48);
  }
});

test("lengths count the tokens that a result begins with, as in transformers", async () => {
  const countOf = async (parameters: object): Promise<number | undefined> =>
    (await merged.whole({ inputs: FIRST?.text, parameters: { ...parameters } })).usage
      ?.outputTokens;
  expect(await countOf({ max_length: 4 })).toBe(3);
  expect(await countOf({ max_new_tokens: 4 })).toBe(4);
  // The token that ends the text is the one after those.
  expect(await countOf({ min_length: 31, max_length: 31 })).toBe(30);
});

test("a seed draws the same text again, whole and streamed, and another one draws another", async () => {
  const draw = async (seed: number) => {
    const parameters = { temperature: 3, seed, details: true, ...LONG };
    const { value } = await merged.whole({ inputs: FIRST?.text, parameters });
    const { parts } = await merged.stream({ inputs: FIRST?.text, parameters });
    const [whole] = value as [{ translation_text: string; details: { seed: number } }];
    expect((await collect(parts)).at(-1)?.generated_text).toBe(whole.translation_text);
    expect(whole.details.seed).toBe(seed);
    return whole.translation_text;
  };
  expect(await draw(7)).toBe(await draw(7));
  expect(await draw(8)).not.toBe(await draw(7));
});

test("spaces before punctuation are removed as transformers does, when that is wanted", async () => {
  const { cleanUpSpaces } = await import("../../../../src/tasks/generation/clean-up-spaces.ts");
  // By `clean_up_tokenization` of transformers.
  expect(cleanUpSpaces("I do n't , he 's here . Is n't it ? They 've ! ' a ' I 'm we 're")).toBe(
    "I don't, he's here. Isn't it? They've!'a'I'm we're",
  );
});

describe("the memory of a text", () => {
  test("is reserved for each beam before it begins, with what was encoded", async () => {
    const reserved: number[] = [];
    for (const [task, beams] of [
      [merged, 1],
      [merged, 4],
      [crossed, 1],
      [crossed, 4],
    ] as const) {
      const parameters = { max_new_tokens: 9, num_beams: beams };
      const { parts } = await task.stream({ inputs: FIRST?.text, parameters });
      const iterator = parts[Symbol.asyncIterator]();
      await iterator.next();
      const [lease] = pool.stats().leases;
      expect(lease?.handleBytes).toBeLessThanOrEqual(lease?.reservedBytes ?? 0);
      reserved.push(lease?.reservedBytes ?? 0);
      await iterator.return?.();
      expect(pool.stats().leases).toEqual([]);
    }
    const positions = FIRST?.ids.length ?? 0;
    const cross = positions * WRITTEN_TOKEN_BYTES;
    const hidden = positions * (32 * 4 + 8);
    const text = 10 * WRITTEN_TOKEN_BYTES;
    expect(reserved).toEqual([
      2 * text + hidden + cross,
      8 * text + hidden + cross,
      text + cross,
      4 * text + cross,
    ]);
  });

  test("is refused with its bytes when it cannot fit", async () => {
    const { postprocess } = textToTextManifest("crossed");
    const { decoder } = postprocess as unknown as { decoder: object };
    const task = await createTextToText(
      createPool(2 * CELL_BYTES),
      textToTextManifest("crossed", "translation", { decoder: { ...decoder, context: 131_072 } }),
    );
    const parameters = { max_new_tokens: 131_000, num_beams: 4 };
    for (const stream of [true, false])
      expect(
        await rejectedApiError(
          "out_of_memory",
          stream
            ? task.stream({ inputs: "ban", parameters })
            : task.whole({ inputs: "ban", parameters }),
        ),
      ).toMatchObject({
        details: { neededBytes: expect.any(Number), availableBytes: expect.any(Number) },
      });
    await task.whole({ inputs: "ban" });
  });

  test.each(["before its first part", "after its first part", "while a part is computed"])(
    "is freed when its client leaves %s",
    async (when) => {
      for (const beams of [1, 3]) {
        const parameters = { num_beams: beams, ...LONG };
        const { parts } = await merged.stream({ inputs: "ban", parameters });
        const iterator = parts[Symbol.asyncIterator]();
        if (when === "after its first part") await iterator.next();
        const pending = when === "while a part is computed" ? iterator.next() : undefined;
        await iterator.return?.();
        await pending;
        expect(pool.stats().leases).toEqual([]);
      }
    },
  );
});

describe.each([1, 4])("with %d beams, a text", (beams) => {
  test("ends within two tokens after its client has left", async () => {
    for (const task of [merged, crossed]) {
      const client = new AbortController();
      const call = createCall({ signal: client.signal, trace: new Trace() });
      const parameters = { num_beams: beams, ...LONG };
      const measure = async (): Promise<number> => {
        const start = pool.stats().bytesOut;
        await task.whole({ inputs: "ban", parameters: { max_new_tokens: 1 } });
        return pool.stats().bytesOut - start;
      };
      const encodedBytes = (await measure()) - LOGITS_BYTES;
      const before = pool.stats().bytesOut + encodedBytes;
      const writing = task.whole({ inputs: "ban", parameters }, call);
      let generated = 0;
      for (let polls = 0; generated < 10; polls++) {
        if (polls > 100_000) throw new Error("the text is not written");
        await new Promise((resume) => setImmediate(resume));
        generated = call.trace.generation?.outputTokens ?? 0;
      }
      client.abort();
      await rejectedApiError("client_closed_request", writing);
      const computed = (pool.stats().bytesOut - before) / (LOGITS_BYTES * beams);
      expect(computed).toBeGreaterThanOrEqual(generated - 1);
      expect(computed).toBeLessThanOrEqual(generated + 2);
      expect(call.trace.generation?.finishReason).toBeUndefined();
      expect(pool.stats().leases).toEqual([]);
    }
  });

  test("ends at its deadline", async () => {
    const call = createCall({ deadline: new Deadline({ timeoutMs: 5 }) });
    const parameters = { num_beams: beams, ...LONG };
    await rejectedApiError("deadline_exceeded", merged.whole({ inputs: "ban", parameters }, call));
    expect(pool.stats().leases).toEqual([]);
  });
});

test("several texts at once are each the same as alone, greedily and by beams", async () => {
  const some = WRITTEN_CASES.slice(0, 6);
  const write = async (num_beams: number, { text, source, target }: (typeof some)[number]) =>
    (
      await merged.whole({
        inputs: text,
        parameters: { src_lang: source, tgt_lang: target, num_beams },
      })
    ).value;
  const requests = some.flatMap((each) => [1, 4].map((beams) => [beams, each] as const));
  const alone: unknown[] = [];
  for (const request of requests) alone.push(await write(...request));
  expect(await Promise.all(requests.map((request) => write(...request)))).toEqual(alone);
});

import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ModelRuntime } from "../../../../src/domain/ports.ts";
import { CELL_BYTES, createPool } from "../../../support/runtime-pool.ts";
import {
  ENCODER_DECODER_FORMS,
  textToTextManifest,
  WRITTEN_CASES,
  type WrittenCase,
  type WrittenRun,
} from "../../../support/text-to-text-fixtures.ts";
import {
  createHastyCall,
  createTextToText,
  type TextToTextTask,
} from "../../../support/text-to-text-task.ts";
import { stubWorkersGlobals } from "../../../support/workers-globals.ts";

let pool: ModelRuntime;

beforeAll(() => {
  stubWorkersGlobals();
  pool = createPool(4 * CELL_BYTES);
});
afterAll(() => void vi.unstubAllGlobals());

interface Result {
  readonly translation_text: string;
  readonly details: {
    readonly tokens: readonly { id: number; text: string }[];
    finish_reason: string;
  };
}

async function run(
  task: TextToTextTask,
  { text, source, target }: WrittenCase,
  { options }: WrittenRun,
) {
  const { forced_eos_token_id: _, ...parameters } = options;
  const { value } = await task.whole(
    {
      inputs: text,
      parameters: { src_lang: source, tgt_lang: target, details: true, ...parameters },
    },
    createHastyCall(),
  );
  return value as Result[];
}

describe.each(ENCODER_DECODER_FORMS)("the %s form", (form) => {
  test("writes the tokens and texts of transformers, greedily and by beams", async () => {
    const plain = await createTextToText(pool, textToTextManifest(form));
    const forced = await createTextToText(
      pool,
      textToTextManifest(form, "translation", { forcedEosTokenId: 2 }),
    );
    let compared = 0;
    for (const each of WRITTEN_CASES)
      for (const expected of each.runs) {
        const isForced = "forced_eos_token_id" in expected.options;
        const results = await run(isForced ? forced : plain, each, expected);
        const where = JSON.stringify([each.text, expected.options]);
        const tokens = results.map(({ details }) => details.tokens.map(({ id }) => id));
        expect(tokens, where).toEqual(expected.outputs);
        expect(
          results.map((result) => result.translation_text),
          where,
        ).toEqual(expected.texts);
        compared += 1;
      }
    expect(compared).toBe(208);
  });
});

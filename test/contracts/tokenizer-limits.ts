import { describe, expect, test } from "vitest";
import { MAX_CHARACTERS } from "../../src/tasks/text/text-item.ts";
import { finish } from "../../src/tasks/text/word-model.ts";
import { catchApiError } from "../support/errors.ts";
import { readTokenizer } from "../support/tokenizers.ts";

const WHOLE = { maxLength: 100_000, truncation: "error" } as const;

/** What every tokenizer does with the longest texts. */
export function testTokenizerLimits(names: readonly string[]): void {
  describe.each(names)("%s", (name) => {
    const tokenizer = readTokenizer(name);

    test("refuses a text above the limit, and tokenizes the longest text below it", () => {
      const long = "a".repeat(MAX_CHARACTERS + 1);
      expect(
        catchApiError("invalid_input", () => finish(tokenizer.encode(long, "inputs[7]", WHOLE)))
          .message,
      ).toBe("inputs[7] is 65537 characters long: a text may have 65536 at most.");
      const options = { maxLength: 512, truncation: "end" } as const;
      for (const letter of ["a", " ", "漢", "\u0301", "🙂", "!", "\n"]) {
        const text = letter.repeat(MAX_CHARACTERS / letter.length);
        expect(finish(tokenizer.encode(text, "text", options)).ids.length).toBeLessThanOrEqual(512);
      }
    });
  });
}

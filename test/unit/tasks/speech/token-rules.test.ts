import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../../scripts/project.ts";
import {
  createSuppressedBeginnings,
  createSuppressedTokens,
  createTimestampRules,
} from "../../../../src/tasks/speech/token-rules.ts";

interface Case {
  readonly generated: readonly number[];
  readonly logits: readonly number[];
  readonly maxInitial: number | null;
  readonly kept: readonly number[];
}

interface Fixture {
  readonly prompt: readonly number[];
  readonly endOfText: number;
  readonly none: number;
  readonly first: number;
  readonly suppressed: readonly number[];
  readonly beginning: readonly number[];
  readonly cases: readonly Case[];
}

const fixture: Fixture = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "audio", "whisper-rules.json"), "utf8"),
);

function keptOf(logits: Float32Array): number[] {
  return [...logits.entries()]
    .filter(([, logit]) => logit !== Number.NEGATIVE_INFINITY)
    .map(([token]) => token);
}

describe("the rules of Whisper", () => {
  test.each(fixture.cases.map((one, index) => ({ ...one, index })))(
    "leave the tokens that transformers' processors leave after $generated ($index)",
    ({ generated, logits, maxInitial, kept }) => {
      const { prompt, suppressed, beginning, first, none, endOfText } = fixture;
      const values = Float32Array.from(logits);
      const rules = [
        createSuppressedBeginnings(beginning),
        createSuppressedTokens(suppressed),
        createTimestampRules({ first, none, endOfText, maxInitial: maxInitial ?? undefined }),
      ];
      for (const rule of rules) rule(values, { prompt, generated });
      expect(keptOf(values)).toEqual(kept);
      for (const token of kept) expect(values[token]).toBe(Math.fround(logits[token] as number));
    },
  );
});

import { describe, expect, test } from "vitest";
import {
  NOTHING_GENERATED,
  toGenerationEvent,
  withCached,
  withToken,
} from "../../../src/domain/generation-progress.ts";

/** The names of OpenTelemetry's semantic conventions for generative AI (semantic-conventions-genai 0.1.0). */
describe("the event of a generation", () => {
  const begun = withToken(
    withCached({ ...NOTHING_GENERATED, inputTokens: 20 }, 16),
    123.4567,
    undefined,
  );

  test("has tokens, durations and the reason of the end", () => {
    const ended = withToken(withToken(begun, 143.4567, undefined), 163.4567, "length");
    expect(toGenerationEvent(ended, false)).toEqual({
      "gen_ai.usage.input_tokens": 20,
      "gen_ai.usage.cache_read.input_tokens": 16,
      "gen_ai.usage.output_tokens": 3,
      "gen_ai.server.time_to_first_token": 0.123457,
      tokensPerSecond: 50,
      "gen_ai.response.finish_reasons": ["length"],
      aborted: false,
    });
  });

  test("of which the client has left has no such reason", () => {
    expect(toGenerationEvent(begun, true)).toEqual({
      "gen_ai.usage.input_tokens": 20,
      "gen_ai.usage.cache_read.input_tokens": 16,
      "gen_ai.usage.output_tokens": 1,
      "gen_ai.server.time_to_first_token": 0.123457,
      aborted: true,
    });
  });

  test("without a token has no durations", () => {
    expect(toGenerationEvent(NOTHING_GENERATED, false)).toEqual({
      "gen_ai.usage.input_tokens": 0,
      "gen_ai.usage.cache_read.input_tokens": 0,
      "gen_ai.usage.output_tokens": 0,
      aborted: false,
    });
  });
});

import { describe, expect, test } from "vitest";
import {
  type SpeechRecognitionBlock,
  speechRecognitionBlock,
} from "../../../../src/domain/blocks/postprocess/speech-recognition.ts";
import { toDecodingOptions } from "../../../../src/tasks/speech/decoding-options.ts";
import { catchApiError } from "../../../support/errors.ts";
import { findModel } from "../../../support/publish.ts";

/** The block of whisper-tiny-en: its context has 448 tokens, and a text begins with one. */
const BLOCK = findModel("whisper-tiny-en").manifest.postprocess as SpeechRecognitionBlock;
const START = 50_257;
const PREVIOUS = 50_360;

function optionsOf(generation_parameters: object, promptIds: readonly number[] = []) {
  const parameters = speechRecognitionBlock.parameters.parse({ generation_parameters });
  return toDecodingOptions(BLOCK, parameters, promptIds, 51_864);
}

describe("how windows are decoded", () => {
  test("is Whisper's by default: its temperatures, greedily first, for half of the context", () => {
    expect(optionsOf({})).toMatchObject({
      prompt: [START],
      maxNewTokens: 224,
      temperatures: [0, 0.2, 0.4, 0.6, 0.8, 1],
    });
  });

  test.each<[object, readonly number[]]>([
    [{ temperature: 0.3 }, [0.3]],
    [{ top_p: 0.9 }, [1]],
    [{ do_sample: false }, [0]],
    [{ do_sample: true }, [1]],
    [{ repetition_penalty: 1.2 }, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  ])("has with %j the temperatures %j", (parameters, temperatures) => {
    expect(optionsOf(parameters).temperatures).toEqual(temperatures);
  });

  test("begins with the text before the recording", () => {
    expect(optionsOf({}, [1, 2, 3])).toMatchObject({
      prompt: [PREVIOUS, 1, 2, 3, START],
      maxNewTokens: 224,
    });
    const long = Array.from({ length: 223 }, () => 7);
    expect(optionsOf({}, long).maxNewTokens).toBe(448 - 225);
  });

  test("counts lengths with and without the tokens before the text", () => {
    expect(optionsOf({ max_new_tokens: 20, max_length: 5 }).maxNewTokens).toBe(20);
    expect(optionsOf({ max_length: 20 }, [1]).maxNewTokens).toBe(17);
    expect(optionsOf({ min_length: 10 }, [1]).sampling.minNewTokens).toBe(7);
    expect(optionsOf({ min_new_tokens: 4, min_length: 10 }).sampling.minNewTokens).toBe(4);
  });

  test("has the same draws for each request without a seed", () => {
    const draw = (parameters: object) => optionsOf(parameters).random();
    expect(draw({})).toBe(draw({ seed: 0 }));
    expect(draw({ seed: 1 })).not.toBe(draw({}));
  });

  test.each<[string, object, RegExp]>([
    [
      "more tokens than there is room for",
      { max_new_tokens: 448 },
      /room for 447 tokens after the 1 /,
    ],
    ["a length of less than a token", { max_length: 1 }, /"max_length" is 1/],
    ["more tokens at least than at most", { min_new_tokens: 9, max_new_tokens: 8 }, /8 tokens are/],
    ["a token that there is not", { logit_bias: { "51864": 1 } }, /logit_bias has the token 51864/],
    ["draws without draws", { do_sample: false, top_k: 3 }, /contradict/],
  ])("is refused with %s", (_, parameters, message) => {
    expect(catchApiError("invalid_request", () => optionsOf(parameters)).message).toMatch(message);
  });
});

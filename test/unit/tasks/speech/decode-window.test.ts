import { describe, expect, test } from "vitest";
import { createCall } from "../../../../src/domain/call.ts";
import { createSeededRandom } from "../../../../src/shared/random.ts";
import type { EncodedText } from "../../../../src/tasks/generation/encoder-decoder.ts";
import { toSamplingOptions } from "../../../../src/tasks/generation/sampling/sampling-options.ts";
import { type DecodingOptions, decodeWindow } from "../../../../src/tasks/speech/decode-window.ts";

/** Tokens of text are 0 to 9, then come the end, the token of no speech, that of no times, and times. */
const [END, NO_SPEECH, NONE, FIRST, VOCABULARY] = [10, 11, 12, 13, 63];
const START = 9;

const BLOCK = {
  eosTokenIds: [END],
  noTimestampsTokenId: NONE,
  firstTimestampTokenId: FIRST,
  maxInitialTimestampIndex: 5,
  noSpeechTokenId: NO_SPEECH,
  suppressTokenIds: [NO_SPEECH],
  beginSuppressTokenIds: [END],
  maxCompressionRatio: 2.4,
  minLogprob: -1,
  maxNoSpeech: 0.6,
};

/** A decoder whose texts are written down: each is a list of tokens, and how sure of them it is. */
interface Script {
  readonly tokens: readonly number[];
  /** How far the logit of the next token is above all others; 20 where it is left out. */
  readonly margin?: number;
  /** Of no speech, above all other logits of the first token. */
  readonly noSpeech?: number;
}

function scripted(...scripts: readonly Script[]) {
  let begun = 0;
  const disposed: number[] = [];
  const begin = (): EncodedText => {
    const index = begun++;
    const script = scripts[index] ?? scripts.at(-1);
    if (!script) throw new Error("no script");
    const { tokens, margin = 20, noSpeech } = script;
    let at = 0;
    return {
      laterRunTokens: undefined,
      read: () => {},
      next: () => {
        const logits = new Float32Array(VOCABULARY);
        logits[tokens[at] ?? END] = margin;
        if (at === 0 && noSpeech !== undefined) logits[NO_SPEECH] = noSpeech;
        at++;
        return logits;
      },
      fork: () => {
        throw new Error("a transcription has no beams");
      },
      dispose: () => disposed.push(index),
    };
  };
  return { begin, disposed, begun: () => begun };
}

const SAMPLING = toSamplingOptions({}, { eosTokenIds: [END] });

function options(changes: Partial<DecodingOptions> = {}): DecodingOptions {
  return {
    prompt: [START],
    maxNewTokens: 200,
    temperatures: [0, 0.5, 1],
    sampling: SAMPLING,
    random: createSeededRandom(1),
    ...changes,
  };
}

const toText = (tokens: readonly number[]) => tokens.map((token) => `word${token} `).join("");

const decode = (decoder: ReturnType<typeof scripted>, changes: Partial<DecodingOptions> = {}) =>
  decodeWindow(BLOCK, options(changes), decoder.begin, toText, createCall());

const GOOD = [FIRST, 1, 2, 3, FIRST + 10];
/** A draw of it has other tokens at times. */
const UNSURE = 3.5;

describe("the text of a window", () => {
  test("that is probable is generated once, without its end", async () => {
    const decoder = scripted({ tokens: GOOD });
    const text = await decode(decoder);
    expect(text.tokens).toEqual(GOOD);
    expect(text).toMatchObject({ temperature: 0, finishReason: "eos_token" });
    expect(text.meanLogprob).toBeCloseTo(0, 5);
    expect(decoder.begun()).toBe(1);
    expect(decoder.disposed).toEqual([0]);
  });

  test("that repeats itself is ended, and generated again at the next temperature", async () => {
    const loop = { tokens: [FIRST, ...Array.from({ length: 150 }, () => 4)] };
    const decoder = scripted(loop, { tokens: GOOD });
    const call = createCall();
    const text = await decodeWindow(BLOCK, options(), decoder.begin, toText, call);
    expect(text).toMatchObject({ tokens: GOOD, temperature: 0.5 });
    expect(decoder.disposed).toEqual([0, 1]);
    // The loop is found after 24 tokens of 150.
    expect(call.trace.generation?.outputTokens).toBeLessThan(24 + 8 + GOOD.length + 2);
  });

  test("that always repeats itself has what is repeated once", async () => {
    const loop = { tokens: [FIRST, 1, 2, ...Array.from({ length: 50 }, () => [5, 6, 7]).flat()] };
    const decoder = scripted(loop);
    const { tokens } = await decode(decoder);
    expect(tokens.slice(0, 6)).toEqual([FIRST, 1, 2, 5, 6, 7]);
    expect(tokens.length).toBeLessThan(9);
    expect(decoder.begun()).toBe(3);
  });

  test("that is improbable is the most probable of all temperatures", async () => {
    const decoder = scripted(
      { tokens: [FIRST, 1, FIRST + 5], margin: 1 },
      { tokens: [FIRST, 2, FIRST + 5], margin: UNSURE - 1 },
      { tokens: [FIRST, 3, FIRST + 5], margin: 0.5 },
    );
    const text = await decode(decoder);
    expect(decoder.begun()).toBe(3);
    expect(text.temperature).toBe(0.5);
    expect(text.meanLogprob).toBeLessThan(-1);
  });

  test("is empty where it is improbable and the window is likely to have no speech", async () => {
    const decoder = scripted({ tokens: [FIRST, 1, FIRST + 5], margin: 1, noSpeech: 30 });
    const text = await decode(decoder);
    expect(text.tokens).toEqual([]);
    expect(text.noSpeech).toBeGreaterThan(0.99);
    expect(decoder.begun()).toBe(1);
  });

  test("that is probable stays, however likely no speech is", async () => {
    const text = await decode(scripted({ tokens: GOOD, noSpeech: 30 }));
    expect(text.tokens).toEqual(GOOD);
  });

  test("that is drawn is the same for the same seed, and another for another one", async () => {
    const drawn = async (seed: number) => {
      const changes = { temperatures: [1], random: createSeededRandom(seed), maxNewTokens: 30 };
      return (await decode(scripted({ tokens: GOOD, margin: 1 }), changes)).tokens;
    };
    expect(await drawn(3)).toEqual(await drawn(3));
    expect(await drawn(4)).not.toEqual(await drawn(3));
  });

  test("ends at the limit of tokens", async () => {
    const tokens = [FIRST, ...Array.from({ length: 50 }, (_, index) => index % 9)];
    const text = await decode(scripted({ tokens }), { maxNewTokens: 12, temperatures: [0] });
    expect(text).toMatchObject({ tokens: tokens.slice(0, 12), finishReason: "length" });
  });
});

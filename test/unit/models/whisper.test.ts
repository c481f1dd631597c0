import { beforeAll, expect, test } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import { createSeededRandom } from "../../../src/shared/random.ts";
import { toSamplingOptions } from "../../../src/tasks/generation/sampling/sampling-options.ts";
import { createTranscriptSampler } from "../../../src/tasks/speech/transcript-sampler.ts";
import { findModel } from "../../support/publish.ts";
import { readSpeech, spokenRecordings } from "../../support/spoken-recordings.ts";
import { WhisperGraphs } from "../../support/whisper-graphs.ts";

/** The graphs of whisper-tiny-en without its task: tokens of ONNX Runtime in Python on the same graphs, and memory. */

/** In each of them, every token is ahead of the others by more than the kernels of two machines differ. */
const CERTAIN = ["reading-0930", "rms-09"];
const recordings = spokenRecordings().filter(({ name }) => CERTAIN.includes(name));

let whisper: WhisperGraphs;
beforeAll(async () => {
  whisper = await WhisperGraphs.create(findModel("whisper-tiny-en"));
});

test("both recordings are there", () => {
  expect(recordings).toHaveLength(CERTAIN.length);
});

test.each(recordings)("$name has the tokens of Python", async ({ name, tokens }) => {
  const { block } = whisper;
  const window = await whisper.open(readSpeech(name).samples);
  const sampling = toSamplingOptions({}, { eosTokenIds: block.eosTokenIds });
  const sampler = createTranscriptSampler(block, sampling, createSeededRandom(0));
  const prompt = block.startTokenIds;
  const generated: number[] = [];
  let ids = [...prompt];
  let before = 0;
  while (generated.length < tokens.length) {
    const logits = whisper.decode(ids, before, window);
    const { token } = sampler.next(logits, { prompt, generated });
    before += ids.length;
    ids = [token];
    generated.push(token);
  }
  expect(generated).toEqual(tokens);
  whisper.close(window);
});

test("tokens read in parts of any size give the same logits", async () => {
  const window = await whisper.open(new Float32Array(whisper.windows.sampleRate));
  const ids = Array.from({ length: 48 }, (_, index) => 1000 + 7 * index);
  const whole = whisper.decode(ids, 0, window);
  for (const size of [16, 24]) {
    let last = new Float32Array();
    for (let at = 0; at < ids.length; at += size)
      last = whisper.decode(ids.slice(at, at + size), at, window);
    expect(last).toEqual(whole);
  }
  whisper.close(window);
});

test("the largest window fits the budget of an isolate, caches included", async () => {
  const { windows, block, engine } = whisper;
  const window = await whisper.open(new Float32Array(windows.windowSeconds * windows.sampleRate));
  whisper.decode(block.startTokenIds, 0, window);
  whisper.close(window);
  // 77 MiB of 104, the other models and windows of other lengths included.
  expect(engine.memoryBytes).toBeLessThan(0.9 * parseConfig({}).ownIsolateBudgetBytes);
});

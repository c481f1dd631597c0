import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { readModelFile } from "../../../scripts/model-folder.ts";
import { projectPath } from "../../../scripts/project.ts";
import { parseConfig } from "../../../src/config.ts";
import { speechRecognitionBlock } from "../../../src/domain/blocks/postprocess/speech-recognition.ts";
import { logMelBlock } from "../../../src/domain/blocks/preprocess/log-mel.ts";
import { memberModel } from "../../../src/domain/member-models.ts";
import { toBytes } from "../../../src/domain/tensor.ts";
import { HeapTensor } from "../../../src/runtime/heap-tensor.ts";
import { OrtInstance } from "../../../src/runtime/ort-instance.ts";
import { OrtSession, type SessionFeed } from "../../../src/runtime/ort-session.ts";
import { createLogMel } from "../../../src/tasks/audio/log-mel.ts";
import { createSeededRandom } from "../../../src/tasks/generation/sampling/random.ts";
import { toSamplingOptions } from "../../../src/tasks/generation/sampling/sampling-options.ts";
import { createTranscriptSampler } from "../../../src/tasks/speech/transcript-sampler.ts";
import { padWindow, toFeatureTensor } from "../../../src/tasks/speech/window-audio.ts";
import { findModel } from "../../support/publish.ts";

/**
 * The graphs of whisper-tiny-en in one engine, as an isolate of its own has them, without the task: tokens of ONNX Runtime in
 * Python on the same graphs (`recipes/whisper_tiny_en.py`), and memory.
 */

const model = findModel("whisper-tiny-en");
const melBlock = logMelBlock.schema.parse(model.manifest.preprocess);
const block = speechRecognitionBlock.schema.parse(model.manifest.postprocess);
const { cache, context } = block.decoder;
const CACHED = layerNames("");
const CROSS = layerNames("cross.");
/** Wav files of the project's own have no chunk before the samples but the format. */
const HEADER_BYTES = 44;

interface Recording {
  readonly name: string;
  readonly tokens: readonly number[];
}

const { recordings }: { recordings: readonly Recording[] } = JSON.parse(
  readFileSync(projectPath("test", "fixtures", "speech", "transcripts.json"), "utf8"),
);
/** In each of them, every token is ahead of the others by more than the kernels of two machines differ. */
const certain = ["reading-0930", "rms-09"].map((name) => {
  const found = recordings.find((recording) => recording.name === name);
  if (!found) throw new Error(`no tokens of ${name}`);
  return found;
});

let engine: OrtInstance;
let encoder: OrtSession;
let decoder: OrtSession;

/** A window's sound, and a text about it that has not begun. */
interface Window {
  readonly sound: readonly HeapTensor[];
  readonly pasts: readonly HeapTensor[];
}

beforeAll(async () => {
  engine = await OrtInstance.create(() => true);
  load("voice-activity");
  encoder = load("encoder");
  decoder = load();
});

test.each(certain)("$name has the tokens of Python", async ({ name, tokens }) => {
  const window = await open(readSamples(name));
  const sampling = toSamplingOptions({}, { eosTokenIds: block.eosTokenIds });
  const sampler = createTranscriptSampler(block, sampling, createSeededRandom(0));
  const prompt = block.startTokenIds;
  const generated: number[] = [];
  let ids = [...prompt];
  let before = 0;
  while (generated.length < tokens.length) {
    const { token } = sampler.next(decode(ids, before, window), { prompt, generated });
    before += ids.length;
    ids = [token];
    generated.push(token);
  }
  expect(generated).toEqual(tokens);
  close(window);
});

test("tokens read in parts of any size give the same logits", async () => {
  const window = await open(new Float32Array(melBlock.sampleRate));
  const ids = Array.from({ length: 48 }, (_, index) => 1000 + 7 * index);
  const whole = decode(ids, 0, window);
  for (const size of [16, 24]) {
    let parts = new Float32Array();
    for (let at = 0; at < ids.length; at += size)
      parts = decode(ids.slice(at, at + size), at, window);
    expect(parts).toEqual(whole);
  }
  close(window);
});

test("the largest window fits the budget of an isolate, caches included", async () => {
  const { windowSeconds, sampleRate } = melBlock;
  const window = await open(new Float32Array(windowSeconds * sampleRate));
  decode(block.startTokenIds, 0, window);
  close(window);
  // 77 MiB of 104, the other models and windows of other lengths included.
  expect(engine.memoryBytes).toBeLessThan(0.9 * parseConfig({}).ownIsolateBudgetBytes);
});

function load(member?: string): OrtSession {
  const { file, format, runtime } = memberModel(model.manifest, member);
  const bytes = readModelFile(model, file);
  const address = engine.allocate(bytes.byteLength);
  engine.heap.set(bytes, address);
  return new OrtSession(engine, address, bytes.byteLength, { format, ...runtime });
}

function readSamples(name: string): Float32Array {
  const bytes = readFileSync(projectPath("test", "fixtures", "speech", `${name}.wav`));
  const samples = new Int16Array(Uint8Array.from(bytes.subarray(HEADER_BYTES)).buffer);
  return Float32Array.from(samples, (sample) => sample / 32_768);
}

async function open(samples: Float32Array): Promise<Window> {
  const noCheckpoint = async () => {};
  const features = await createLogMel(melBlock).compute(padWindow(samples, melBlock), noCheckpoint);
  const kept = CROSS.map((name) => ({ name, keep: true }) as const);
  const sound = encoder.run([toFeatureTensor(melBlock, features)], kept) as HeapTensor[];
  const shape = [1, cache.heads, context, cache.headSize];
  const pasts = CACHED.map((name) => HeapTensor.allocate(engine, name, "FP32", shape));
  return { sound, pasts };
}

function close({ sound, pasts }: Window): void {
  for (const tensor of [...sound, ...pasts]) tensor.release();
}

/** The logits of the last token. @param before how many tokens of the text were read before */
function decode(
  ids: readonly number[],
  before: number,
  { sound, pasts }: Window,
): Float32Array<ArrayBuffer> {
  const caches = (prefix: string) =>
    CACHED.map((name, index) => ({ name: prefix + name, tensor: pasts[index] as HeapTensor }));
  const feeds: SessionFeed[] = [
    integers("input_ids", ids),
    integers("attention_mask", Array<number>(before + ids.length).fill(1)),
    ...caches("past_key_values."),
    ...CROSS.map((name, index) => ({ name, tensor: sound[index] as HeapTensor })),
  ];
  const [logits] = decoder.run(feeds, ["logits", ...caches("present.")]);
  if (!logits || !("data" in logits)) throw new Error("the logits were not copied");
  return new Float32Array(Uint8Array.from(logits.data as Uint8Array).buffer);
}

function integers(name: string, values: readonly number[]) {
  const data = toBytes(BigInt64Array.from(values, BigInt));
  return { name, datatype: "INT64", shape: [1, values.length], data } as const;
}

function layerNames(prefix: string): string[] {
  return Array.from({ length: cache.layers }, (_, layer) =>
    ["key", "value"].map((kind) => `${prefix}${layer}.${kind}`),
  ).flat();
}

import { type FolderModel, readModelFile } from "../../packages/cli/src/local/model-folder.ts";
import {
  type SpeechRecognitionBlock,
  speechRecognitionBlock,
} from "../../src/domain/blocks/postprocess/speech-recognition.ts";
import { type LogMelBlock, logMelBlock } from "../../src/domain/blocks/preprocess/log-mel.ts";
import { memberModel } from "../../src/domain/member-models.ts";
import { toBytes } from "../../src/domain/tensor.ts";
import { HeapTensor } from "../../src/runtime/heap-tensor.ts";
import { OrtInstance } from "../../src/runtime/ort-instance.ts";
import { OrtSession, type SessionFeed } from "../../src/runtime/ort-session.ts";
import { createLogMel, type LogMel } from "../../src/tasks/audio/log-mel.ts";
import { padWindow, toFeatureTensor } from "../../src/tasks/speech/window-audio.ts";

/** A window's sound, and the cache of a text about it. */
export interface SpeechWindow {
  readonly sound: readonly HeapTensor[];
  readonly pasts: readonly HeapTensor[];
}

/** The models of whisper-tiny-en in one engine, as an isolate of its own has them, without task and leases. */
export class WhisperGraphs {
  readonly windows: LogMelBlock;
  readonly block: SpeechRecognitionBlock;
  readonly engine: OrtInstance;
  readonly #encoder: OrtSession;
  readonly #decoder: OrtSession;
  readonly #logMel: LogMel;
  readonly #layers: readonly string[];

  constructor(engine: OrtInstance, model: FolderModel) {
    this.engine = engine;
    this.windows = logMelBlock.schema.parse(model.manifest.preprocess);
    this.block = speechRecognitionBlock.schema.parse(model.manifest.postprocess);
    const load = (member?: string): OrtSession => {
      const { file, format, runtime } = memberModel(model.manifest, member);
      const bytes = readModelFile(model, file);
      const address = engine.allocate(bytes.byteLength);
      engine.heap.set(bytes, address);
      return new OrtSession(engine, address, bytes.byteLength, { format, ...runtime });
    };
    load(this.block.voiceActivity.model);
    this.#encoder = load("encoder");
    this.#decoder = load();
    this.#logMel = createLogMel(this.windows);
    this.#layers = Array.from({ length: this.block.decoder.cache.layers }, (_, layer) => [
      `${layer}.key`,
      `${layer}.value`,
    ]).flat();
  }

  static async create(model: FolderModel): Promise<WhisperGraphs> {
    return new WhisperGraphs(await OrtInstance.create(() => true), model);
  }

  /** Encodes a window of speech. */
  async open(speech: Float32Array): Promise<SpeechWindow> {
    const { windows, engine } = this;
    const samples = padWindow(speech, windows);
    const features = await this.#logMel.compute(samples, async () => {});
    const kept = this.#layers.map((name) => ({ name: `cross.${name}`, keep: true }) as const);
    const sound = this.#encoder.run([toFeatureTensor(windows, features)], kept) as HeapTensor[];
    const { cache, context } = this.block.decoder;
    const shape = [1, cache.heads, context, cache.headSize];
    const pasts = this.#layers.map((name) => HeapTensor.allocate(engine, name, "FP32", shape));
    return { sound, pasts };
  }

  close({ sound, pasts }: SpeechWindow): void {
    for (const tensor of [...sound, ...pasts]) tensor.release();
  }

  /** The logits of the last token. @param before how many tokens of the text were read before */
  decode(
    ids: readonly number[],
    before: number,
    { sound, pasts }: SpeechWindow,
  ): Float32Array<ArrayBuffer> {
    const bind = (prefix: string, tensors: readonly HeapTensor[]) =>
      this.#layers.map((name, index) => ({
        name: prefix + name,
        tensor: tensors[index] as HeapTensor,
      }));
    const feeds: SessionFeed[] = [
      integers("input_ids", ids),
      integers("attention_mask", Array<number>(before + ids.length).fill(1)),
      ...bind("past_key_values.", pasts),
      ...bind("cross.", sound),
    ];
    const [logits] = this.#decoder.run(feeds, ["logits", ...bind("present.", pasts)]);
    if (!logits || !("data" in logits)) throw new Error("the logits were not copied");
    return new Float32Array(Uint8Array.from(logits.data as Uint8Array).buffer);
  }
}

function integers(name: string, values: readonly number[]) {
  const data = toBytes(BigInt64Array.from(values, BigInt));
  return { name, datatype: "INT64", shape: [1, values.length], data } as const;
}

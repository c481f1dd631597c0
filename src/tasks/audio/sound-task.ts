import type { z } from "zod";
import { AUDIO_MEDIA_TYPES } from "../../domain/blocks/audio-files.ts";
import type { Call } from "../../domain/call.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { inputSpecs } from "../input-specs.ts";
import { parseParameters } from "../parameters.ts";
import { splitList } from "../preprocessor.ts";
import { splitInputs } from "../split-inputs.ts";
import type { ModelSet, Task } from "../task.ts";
import { type Clip, checkClipCount, readClips } from "./audio-clip.ts";
import { CombinedRows } from "./combine-rows.ts";
import { createFrontEnd, type SoundBlock, type SoundItem } from "./front-end.ts";
import { checkRates } from "./resample.ts";
import { createResamplingFilters } from "./resampling-filters.ts";
import { type FramePooling, rowsOfWindows } from "./sound-rows.ts";
import { planWindows, readWindows, type SoundWindow, type WindowPlan } from "./sound-windows.ts";

/** Parameters that all answers about sounds have. */
interface SoundParameters {
  readonly timestamps: boolean;
  readonly aggregation?: "mean" | "max" | undefined;
}

/** How the numbers of windows become an answer. */
export interface SoundAnswer<S extends z.ZodObject> {
  readonly output: string;
  readonly pooling: FramePooling;
  readonly aggregation: "mean" | "max";
  readonly parameters: S;
  /**
   * @param windows of all recordings
   * @throws ApiError `invalid_request` for parameters that the version does not take, before anything is run
   */
  forRequest(parameters: z.output<S>, windows: number): SoundReader;
}

export interface SoundReader {
  /** The numbers of a window, as they are combined. */
  toRow(numbers: Float64Array): Float64Array;
  /** The answer for combined numbers. */
  toAnswer(row: Float64Array): unknown;
  /** The name of a window's answer in a list with timestamps. */
  readonly field: string;
}

/**
 * Answers of recordings, which a model reads in windows: one answer for all windows of a recording, or with timestamps one for each.
 */
export function createSoundTask<S extends z.ZodObject>(
  manifest: Manifest,
  block: SoundBlock,
  answer: SoundAnswer<S>,
): Task {
  const spec = inputSpecs(manifest)(block.input);
  const frontEnd = createFrontEnd(block, spec);
  const hasBatch = spec.shape.length !== (block.type === "waveform" ? 1 : 2);
  const filterFor = createResamplingFilters(block.sampleRate);

  async function listen(
    { clip, plan }: Planned,
    reader: SoundReader,
    { timestamps, aggregation = answer.aggregation }: SoundParameters,
    models: ModelSet,
    call: Call,
  ): Promise<unknown> {
    const { trace } = call;
    const checkpoint = () => call.checkpoint();
    const combined = new CombinedRows(aggregation);
    const timed: object[] = [];
    let waiting: Waiting[] = [];

    const run = async (): Promise<void> => {
      if (waiting.length === 0) return;
      const windows = waiting;
      waiting = [];
      const tensor = trace.measure("preprocess", () =>
        frontEnd.toTensor(windows.map(({ item }) => item)),
      );
      const [result] = await models.infer([tensor], [answer.output]);
      trace.measure("postprocess", () => {
        const rows = rowsOfWindows(result, windows.length, hasBatch, answer.pooling);
        for (const [at, numbers] of rows.entries()) {
          const row = reader.toRow(numbers);
          const { start = 0, end = 0 } = windows[at]?.window ?? {};
          if (timestamps) timed.push({ start, end, [reader.field]: reader.toAnswer(row) });
          else combined.add(row);
        }
      });
      await checkpoint();
    };

    const filter = await filterFor(clip, checkpoint);
    for await (const window of readWindows(block, clip, filter, plan, { trace, checkpoint })) {
      const ended = trace.start("preprocess");
      let item: SoundItem;
      try {
        item = await frontEnd.toItem(window.samples, clip.path, checkpoint);
      } finally {
        ended();
      }
      const [before] = waiting;
      if (before && before.item.values.length !== item.values.length) await run();
      waiting.push({ window, item });
      if (waiting.length >= frontEnd.maxBatch) await run();
    }
    await run();
    return timestamps
      ? timed
      : trace.measure("postprocess", () => reader.toAnswer(combined.result()));
  }

  return {
    parameters: answer.parameters,
    async execute(request, models, call) {
      const parameters = parseParameters(answer.parameters, request.parameters);
      const { items, form } = await splitInputs(INPUTS, request.inputs, parameters, call);
      const clips = await call.trace.measureAsync("decode", () =>
        readClips(items, block.maxSeconds, () => call.checkpoint()),
      );
      // All are checked before the first one is run.
      const planned = clips.map((clip): Planned => {
        const rates = checkRates(clip.wav.sampleRate, block.sampleRate, clip.path);
        return { clip, plan: planWindows(block, clip, rates) };
      });
      const windows = planned.reduce((sum, { plan }) => sum + plan.count, 0);
      const reader = answer.forRequest(parameters, windows);
      const answers: unknown[] = [];
      for (const each of planned)
        answers.push(
          await listen(each, reader, parameters as unknown as SoundParameters, models, call),
        );
      return { kind: "value", value: form === "one" ? answers[0] : answers, form };
    },
  };
}

interface Planned {
  readonly clip: Clip;
  readonly plan: WindowPlan;
}

interface Waiting {
  readonly window: SoundWindow;
  readonly item: SoundItem;
}

const INPUTS = {
  mediaTypes: AUDIO_MEDIA_TYPES,
  split: (inputs: unknown) => splitList(inputs, checkClipCount),
};

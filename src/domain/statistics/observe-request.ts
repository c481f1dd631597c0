import type { InputStatistics } from "../event.ts";
import type { TaskResult } from "../task.ts";
import type { Trace } from "../trace.ts";
import { TextGatherer } from "./feature-gatherer.ts";
import { type DescribedModel, featurePlanOf } from "./feature-plan.ts";
import { findsLabels, labelOf } from "./found-labels.ts";
import { MAX_LOOKED_AT } from "./gather-inputs.ts";
import { AUDIO_FEATURE, IMAGE_FEATURE, inputKindOf, TEXT_FEATURE } from "./input-kind.ts";
import { audioSize, filesOf, imageSize } from "./media-size.ts";
import { NumericGatherer } from "./numeric-gatherer.ts";
import { statisticsOf } from "./observe-run.ts";
import { textsOf } from "./texts-of.ts";

/** Tasks each of whose items runs by itself. */
const SINGLE: readonly string[] = [
  "prompt",
  "source-text",
  "audio-windows",
  "log-mel",
  "waveform",
  "mel-spectrogram",
];

/** Gathers what a request to a task was like, whatever answered it. It never fails the request. */
export function observeTaskRequest(
  trace: Trace,
  model: DescribedModel,
  inputs: unknown,
  result: TaskResult,
): void {
  const { preprocess } = model.manifest;
  const kind = inputKindOf(model.manifest);
  const isFound = findsLabels(model.manifest);
  if (!kind && !isFound) return;
  try {
    const statistics = statisticsOf(trace, model);
    if (kind) {
      const gathered = GATHER[kind](model, inputs);
      if (preprocess && SINGLE.includes(preprocess.type))
        statistics.countRows(gathered.count + gathered.missing);
      statistics.add(gathered);
    }
    if (isFound && result.kind === "value") statistics.found(foundIn(result.value));
  } catch {
    // Statistics that cannot be made are missing.
  }
}

const GATHER = { text: gatherTexts, image: gatherImages, audio: gatherAudio };

function gatherTexts(model: DescribedModel, inputs: unknown): InputStatistics {
  const texts = new TextGatherer(TEXT_FEATURE, featurePlanOf(model).edgesOf(TEXT_FEATURE));
  let looked = 0;
  for (const text of textsOf(inputs)) {
    if (looked++ >= MAX_LOOKED_AT) break;
    texts.text(text);
  }
  return texts.statistics();
}

function gatherImages(model: DescribedModel, inputs: unknown): InputStatistics {
  const { edgesOf } = featurePlanOf(model);
  const [width, height, bytes] = ["width", "height", "bytes"].map(
    (side) => new NumericGatherer(edgesOf(`${IMAGE_FEATURE}.${side}`)),
  ) as [NumericGatherer, NumericGatherer, NumericGatherer];
  for (const file of filesOf(inputs)) {
    const size = imageSize(file);
    bytes.add(size.bytes);
    if (size.width === undefined || size.height === undefined) continue;
    width.add(size.width);
    height.add(size.height);
  }
  return {
    name: IMAGE_FEATURE,
    kind: "image",
    count: bytes.count,
    missing: 0,
    width: width.spread(),
    height: height.spread(),
    bytes: bytes.spread(),
  };
}

function gatherAudio(model: DescribedModel, inputs: unknown): InputStatistics {
  const { edgesOf } = featurePlanOf(model);
  const [seconds, bytes] = ["seconds", "bytes"].map(
    (side) => new NumericGatherer(edgesOf(`${AUDIO_FEATURE}.${side}`)),
  ) as [NumericGatherer, NumericGatherer];
  for (const file of filesOf(inputs)) {
    const size = audioSize(file);
    bytes.add(size.bytes);
    if (size.seconds !== undefined) seconds.add(size.seconds);
  }
  return {
    name: AUDIO_FEATURE,
    kind: "audio",
    count: bytes.count,
    missing: 0,
    seconds: seconds.spread(),
    bytes: bytes.spread(),
  };
}

/** Labels with scores, in the lists of a result. */
function* foundIn(value: unknown): Generator<{ readonly label: string; readonly score: number }> {
  if (Array.isArray(value)) {
    for (const each of value) yield* foundIn(each);
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const item = value as Readonly<Record<string, unknown>>;
  const label = labelOf(item);
  const { score } = item;
  if (label !== undefined && typeof score === "number") yield { label, score };
}

import type { InputStatistics } from "../event.ts";
import type { TaskResult } from "../task.ts";
import type { Trace } from "../trace.ts";
import { TextGatherer } from "./feature-gatherer.ts";
import { type DescribedModel, featurePlanOf } from "./feature-plan.ts";
import { MAX_LOOKED_AT } from "./gather-inputs.ts";
import { audioSize, filesOf, imageSize } from "./media-size.ts";
import { NumericGatherer } from "./numeric-gatherer.ts";
import { statisticsOf } from "./observe-run.ts";
import { textsOf } from "./texts-of.ts";

/** The names of inputs that are no tensors. */
export const TEXT_FEATURE = "text";
const IMAGE = "image";
const AUDIO = "audio";

/** What a preprocess block takes, where that is not what the model gets. */
const KINDS: Readonly<Record<string, typeof TEXT_FEATURE | typeof IMAGE | typeof AUDIO>> = {
  "character-ngrams": TEXT_FEATURE,
  tokenizer: TEXT_FEATURE,
  text: TEXT_FEATURE,
  prompt: TEXT_FEATURE,
  "source-text": TEXT_FEATURE,
  image: IMAGE,
  "audio-windows": AUDIO,
  "log-mel": AUDIO,
};
/** Tasks whose results are counted, because their runs do not tell them. */
const FOUND: readonly string[] = ["object-detection", "token-classification"];
/** Tasks each of whose items runs by itself. */
const SINGLE: readonly string[] = ["prompt", "source-text", "audio-windows", "log-mel"];

/** Gathers what a request to a task was like, whatever answered it. It never fails the request. */
export function observeTaskRequest(
  trace: Trace,
  model: DescribedModel,
  inputs: unknown,
  result: TaskResult,
): void {
  const { preprocess, postprocess } = model.manifest;
  const kind = preprocess && KINDS[preprocess.type];
  const isFound = postprocess !== undefined && FOUND.includes(postprocess.type);
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
    (side) => new NumericGatherer(edgesOf(`${IMAGE}.${side}`)),
  ) as [NumericGatherer, NumericGatherer, NumericGatherer];
  for (const file of filesOf(inputs)) {
    const size = imageSize(file);
    bytes.add(size.bytes);
    if (size.width === undefined || size.height === undefined) continue;
    width.add(size.width);
    height.add(size.height);
  }
  return {
    name: IMAGE,
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
    (side) => new NumericGatherer(edgesOf(`${AUDIO}.${side}`)),
  ) as [NumericGatherer, NumericGatherer];
  for (const file of filesOf(inputs)) {
    const size = audioSize(file);
    bytes.add(size.bytes);
    if (size.seconds !== undefined) seconds.add(size.seconds);
  }
  return {
    name: AUDIO,
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
  const { label, entity_group: group, entity, score } = value as Record<string, unknown>;
  const name = label ?? group ?? entity;
  if (typeof name === "string" && typeof score === "number") yield { label: name, score };
}

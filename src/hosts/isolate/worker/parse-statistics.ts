import type { InputStatistics } from "../../../domain/event.ts";
import type { PublishedModel } from "../../../domain/published-model.ts";
import { featureNames, MAX_FEATURES } from "../../../domain/statistics/feature-plan.ts";
import { OTHER_LABEL } from "../../../domain/statistics/output-rows.ts";
import type { GatheredStatistics } from "../../../domain/statistics/request-statistics.ts";
import { type Check, isCount, isNumber, isText, listOf, objectOf, recordOf } from "./checks.ts";

/** Statistics that an isolate has sent; `undefined` for what is none, without which a reply is as good. */
export function parseStatistics(value: unknown): GatheredStatistics | undefined {
  return isGathered(value) ? (value as GatheredStatistics) : undefined;
}

// The forms of `domain/event/input-statistics.ts` and `output-statistics.ts`, whose schemas take 14 us of each request.

const counts = listOf(isCount);
const isSpread = objectOf({ mean: isNumber, deviation: isAmount }, { histogram: counts });
const looked = { name: isText, kind: isText, count: isCount, missing: isCount };

const INPUTS: Readonly<Record<InputStatistics["kind"], Check>> = {
  numeric: objectOf(looked, {
    mean: isNumber,
    deviation: isNumber,
    min: isNumber,
    max: isNumber,
    histogram: counts,
  }),
  category: objectOf(looked, { counts }),
  text: objectOf(
    { ...looked, characters: isSpread },
    { histogram: counts, languages: recordOf(isCount) },
  ),
  image: objectOf(looked, { width: isSpread, height: isSpread, bytes: isSpread }),
  audio: objectOf(looked, { seconds: isSpread, bytes: isSpread }),
};

function isInput(value: unknown): boolean {
  const kind = (value as { readonly kind?: unknown } | null | undefined)?.kind;
  return typeof kind === "string" && Object.hasOwn(INPUTS, kind) && INPUTS[kind as "text"](value);
}

const isOutputs = objectOf(
  { count: isCount },
  {
    labels: recordOf(isCount),
    rows: listOf(
      objectOf({}, { label: isText, confidence: isNumber, entropy: isAmount, value: isNumber }),
    ),
    confidence: counts,
    confidenceByLabel: recordOf(counts),
    entropy: objectOf({ mean: isAmount }),
    value: objectOf(
      { count: isCount, missing: isCount },
      { mean: isNumber, deviation: isAmount, min: isNumber, max: isNumber, histogram: counts },
    ),
  },
);

const isGathered = objectOf(
  {},
  {
    inputs: listOf(isInput, MAX_FEATURES),
    outputs: isOutputs,
    inferences: isCount,
    profile: (value) => isText(value) && value.length <= 64,
  },
);

function isAmount(value: unknown): boolean {
  return isNumber(value) && value >= 0;
}

/** Without what the version does not have: features, labels and profiles are names of counts that are kept. */
export function withKnownNames(
  { inputs, outputs, inferences, profile }: GatheredStatistics,
  model: PublishedModel,
): GatheredStatistics {
  const features = featureNames(model);
  const { labels } = model.manifest;
  const isLabel = (label: string): boolean =>
    label === OTHER_LABEL || (labels ? labels.includes(label) : /^[0-9]{1,4}$/.test(label));
  const known = [outputs?.labels ?? {}, outputs?.confidenceByLabel ?? {}].flatMap(Object.keys);
  const named = (outputs?.rows ?? []).flatMap(({ label }) => label ?? []);
  return {
    inputs: inputs?.filter(({ name }) => features.has(name)),
    outputs: [...known, ...named].every(isLabel) ? outputs : undefined,
    inferences,
    profile: profile === model.profile?.digest ? profile : undefined,
  };
}

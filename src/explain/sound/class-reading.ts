import type { ExplainedVersion } from "../explained-version.ts";
import { type Recording, toWav } from "./recording.ts";
import type { SoundReading } from "./sound-reading.ts";

interface LabelScore {
  readonly label: string;
  readonly score: number;
}

/** Labels of the answer beside an explanation. */
const ANSWERED = 5;

/** The scores of all labels of a recording, of which the best one is explained unless the request says another. */
export async function readClasses(
  version: ExplainedVersion,
  recording: Recording,
): Promise<SoundReading> {
  const names = version.model.manifest.labels ?? [];
  const places = new Map(names.map((name, place) => [name, place]));
  const classify = async (samples: Float32Array): Promise<readonly LabelScore[]> => {
    const inputs = toWav({ ...recording, samples });
    const result = await version.execute({ inputs, parameters: { top_k: names.length } }, 1);
    if (result.kind !== "value") throw new Error("the task has streamed its result");
    return result.value as readonly LabelScore[];
  };
  const toValues = (labels: readonly LabelScore[]): Float64Array => {
    const values = new Float64Array(names.length);
    for (const { label, score } of labels) values[places.get(label) ?? 0] = score;
    return values;
  };
  const whole = await classify(recording.samples);
  return {
    names,
    predicted: places.get(whole[0]?.label ?? "") ?? 0,
    full: toValues(whole),
    answer: { labels: whole.slice(0, ANSWERED) },
    runs: 0,
    value: async (samples) => toValues(await classify(samples)),
  };
}

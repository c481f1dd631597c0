import type { VoiceActivityPrediction } from "../../domain/blocks/postprocess/voice-activity.ts";
import type { ExplainedVersion } from "../explained-version.ts";
import { type Recording, toWav } from "./recording.ts";
import type { SoundReading } from "./sound-reading.ts";

type Segment = VoiceActivityPrediction["speech"][number];

/**
 * How likely it is that somebody speaks where the model hears speech: the mean probability of the windows of each segment. A model that
 * keeps a state reads each recording from its beginning.
 */
export async function readVoice(
  version: ExplainedVersion,
  recording: Recording,
  windowSeconds: number,
): Promise<SoundReading> {
  const detect = async (samples: Float32Array): Promise<VoiceActivityPrediction> => {
    const inputs = toWav({ ...recording, samples });
    const result = await version.execute({ inputs, parameters: {} }, 1);
    if (result.kind !== "value") throw new Error("the task has streamed its result");
    return result.value as VoiceActivityPrediction;
  };
  const whole = await detect(recording.samples);
  const seconds = recording.samples.length / recording.sampleRate;
  const segments = whole.speech.length > 0 ? whole.speech : [{ start: 0, end: seconds }];
  const toValues = ({ probabilities }: VoiceActivityPrediction): Float64Array =>
    Float64Array.from(segments, (segment) => meanWithin(probabilities, segment, windowSeconds));
  const lengths = segments.map(({ start, end }) => end - start);
  return {
    names: segments.map(({ start, end }) => `speech ${start.toFixed(2)}-${end.toFixed(2)} s`),
    predicted: lengths.indexOf(Math.max(...lengths)),
    full: toValues(whole),
    answer: { speech: whole.speech },
    runs: 0,
    value: async (samples) => toValues(await detect(samples)),
  };
}

/** Of the windows whose middle is in a segment; of the one before its end where it has none. */
function meanWithin(probabilities: readonly number[], { start, end }: Segment, seconds: number) {
  const within = probabilities.filter((_, window) => {
    const middle = (window + 0.5) * seconds;
    return middle >= start && middle < end;
  });
  const counted =
    within.length > 0 ? within : probabilities.slice(Math.floor(start / seconds)).slice(0, 1);
  return counted.reduce((sum, value) => sum + value, 0) / Math.max(1, counted.length);
}

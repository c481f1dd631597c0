import type { Transcript } from "../../domain/blocks/postprocess/speech-recognition.ts";
import { ApiError } from "../../domain/errors.ts";
import { clip } from "../../shared/quote.ts";
import type { ExplainedVersion } from "../explained-version.ts";
import { type Recording, toWav } from "./recording.ts";
import type { SoundReading } from "./sound-reading.ts";

/**
 * How probable the transcript of a recording is: the mean logarithm of the probabilities of its tokens, which are read again for each
 * recording that is silenced in part.
 */
export async function readTranscript(
  version: ExplainedVersion,
  recording: Recording,
): Promise<SoundReading> {
  const transcribe = async (samples: Float32Array, parameters: object): Promise<Transcript> => {
    const inputs = toWav({ ...recording, samples });
    const all = { details: true, ...parameters };
    const result = await version.execute({ inputs, parameters: all }, 1);
    if (result.kind !== "value") throw new Error("the task has streamed its result");
    return result.value as Transcript;
  };
  const { text, details } = await transcribe(recording.samples, {});
  const tokens = details?.segments.flatMap((segment) => segment.tokens) ?? [];
  if (tokens.length === 0)
    throw new ApiError(
      "invalid_input",
      "inputs is a recording in which the model hears no speech, so that there is no transcript to explain.",
    );
  const value = async (samples: Float32Array): Promise<Float64Array> => {
    const scored = await transcribe(samples, { score_tokens: tokens });
    return Float64Array.of(scored.details?.segments[0]?.avg_logprob ?? 0);
  };
  return {
    names: [clip(text)],
    predicted: 0,
    full: await value(recording.samples),
    answer: { text },
    runs: 1,
    value,
  };
}

import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { chooseOutputs } from "../choose-outputs.ts";
import { onlySpace } from "../media/choose-space.ts";
import { checkPlayers, type MediaInput, type PlayerValues } from "../media/media-input.ts";
import type { MediaParameters } from "../media/media-parameters.ts";
import type { ExplanationRequest } from "../method.ts";
import { readClasses } from "./class-reading.ts";
import { type Recording, readRecording } from "./recording.ts";
import { type SoundPart, toSoundParts } from "./sound-parts.ts";
import type { SoundReading } from "./sound-reading.ts";
import { readTranscript } from "./transcript-reading.ts";
import { readVoice } from "./voice-reading.ts";

/** Runs of a sampled method. */
const DEFAULT_RUNS = 200;

/** A recording as a game: its windows, or its bands of frequency, are the players. */
export async function openSound(request: ExplanationRequest<MediaParameters>): Promise<MediaInput> {
  const { version, inputs, parameters, output } = request;
  if (parameters.window_ms !== undefined && parameters.bands !== undefined)
    throw new ApiError(
      "invalid_request",
      '"window_ms" and "bands" are two ways to divide a recording: send one of them.',
      { details: { field: "bands" } },
    );
  const { manifest } = version.model;
  const space = spaceOf(request);
  const recording = await readRecording(version, inputs, maxSecondsOf(manifest));
  const divided = toSoundParts(recording, parameters);
  checkPlayers(divided.parts.length, "windows");
  const reading = await readingOf(request, recording);
  const outputs = chooseOutputs(output, reading.names, reading.predicted);
  const checkpoint = () => version.call.checkpoint();
  return {
    game: {
      players: divided.parts.length,
      outputs: outputs.indices.length,
      runsPerCoalition: 1,
      async evaluate(coalitions) {
        const width = outputs.indices.length;
        const values = new Float64Array(coalitions.length * width);
        for (const [at, coalition] of coalitions.entries()) {
          const isWhole = coalition.every((known) => known === 1);
          const found = isWhole
            ? reading.full
            : await reading.value(await divided.without(coalition, checkpoint));
          for (const [index, place] of outputs.indices.entries())
            values[at * width + index] = found[place] ?? 0;
        }
        return values;
      },
    },
    space,
    outputs,
    featureNames: divided.names,
    data: divided.names.map(() => null),
    openedRuns: reading.runs,
    defaultRuns: DEFAULT_RUNS,
    place: (values) => ({ ...reading.answer, parts: placed(divided.parts, values) }),
  };
}

function spaceOf(request: ExplanationRequest<MediaParameters>) {
  const { preprocess, postprocess } = request.version.model.manifest;
  if (preprocess?.type === "log-mel")
    return onlySpace("output", "gives texts logarithms of probabilities", request);
  return postprocess?.type === "audio-classification"
    ? onlySpace("probability", "gives labels scores", request)
    : onlySpace("probability", "says how likely speech is", request);
}

function readingOf(
  { version }: ExplanationRequest<MediaParameters>,
  recording: Recording,
): Promise<SoundReading> {
  const { preprocess, postprocess } = version.model.manifest;
  if (postprocess?.type === "audio-classification") return readClasses(version, recording);
  return preprocess?.type === "audio-windows"
    ? readVoice(version, recording, preprocess.windowSamples / preprocess.sampleRate)
    : readTranscript(version, recording);
}

/** Of a transcript, as many as one window has. */
function maxSecondsOf({ preprocess }: Manifest): number | undefined {
  if (preprocess?.type !== "log-mel") return undefined;
  return preprocess.windowSeconds - preprocess.silenceSeconds;
}

function placed(parts: readonly SoundPart[], values: PlayerValues): object[] {
  return parts.map((part, index) => ({ ...part, value: values[index] ?? 0 }));
}

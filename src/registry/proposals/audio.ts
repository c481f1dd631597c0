import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import type { TensorSpec } from "../../domain/tensor.ts";
import {
  cannotPropose,
  chooseOutput,
  isFloat,
  type ProposalInput,
  type ProposeTask,
  SEND_BLOCKS,
} from "./proposal.ts";

const SAMPLE_RATE = 16_000;
/** Of Silero's models at 16 kHz: since version 5 a window has the end of the one before in front. */
const WINDOW_SAMPLES = 512;
const CONTEXT_SAMPLES = 64;

/** Recurrent models of windows, as Silero's. */
export const proposeVoiceActivity: ProposeTask = async (task, input) => {
  const { inputs, outputs } = input.model;
  const required = inputs.filter(({ optional }) => !optional);
  const audio = required.find((spec) => spec.datatype === "FP32" && spec.shape.length === 2);
  const rate = required.find((spec) => /^(sr|sample_?rate|sampling_rate)$/i.test(spec.name));
  const states = required
    .filter((spec) => spec !== audio && spec !== rate)
    .map((spec) => ({ spec, output: stateOutput(input, spec) }));
  const refuse = (why: string) => cannotPropose(input, task, why, SEND_BLOCKS);
  if (!audio) throw refuse("it has no FP32 input of shape [windows, samples]");
  const [unknown] = states.filter(({ output }) => output === undefined);
  if (unknown)
    throw refuse(`nothing says which output is the next state of its input "${unknown.spec.name}"`);
  if (states.length === 0) throw refuse("it has no state that a run returns for the next one");
  const stateOutputs = new Set(states.map(({ output }) => output?.name));
  const probabilities = chooseOutput(
    task,
    {
      ...input,
      model: { ...input.model, outputs: outputs.filter(({ name }) => !stateOutputs.has(name)) },
    },
    {
      fits: (spec) => isFloat(spec) && spec.shape.length <= 2,
      names: /prob|output|speech/i,
      needed: "probabilities of shape [windows] or [windows, 1]",
    },
  );
  const { windowSamples, contextSamples, note } = windowOf(audio, states.length);
  return {
    task,
    preprocess: {
      type: "audio-windows",
      version: 1,
      input: audio.name,
      sampleRate: SAMPLE_RATE,
      windowSamples,
      contextSamples,
      windowsPerRun: 1,
      maxSeconds: 300,
      state: states.map(({ spec, output }) => ({ input: spec.name, output: output?.name ?? "" })),
      constants: rate ? [{ input: rate.name, value: SAMPLE_RATE }] : [],
    },
    postprocess: {
      type: "voice-activity",
      version: 1,
      probabilities: probabilities.name,
      threshold: 0.5,
      minSpeechMs: 250,
      minSilenceMs: 100,
      speechPadMs: 30,
    },
    cache: { enabled: false, ttlSeconds: 86_400, scope: "public" },
    files: [],
    notes: [
      `audio of ${SAMPLE_RATE} Hz, guessed`,
      note,
      `the state ${states.map(({ spec, output }) => `"${spec.name}" comes from "${output?.name}"`).join(", ")}`,
      `probabilities of speech are the output "${probabilities.name}"`,
      "predictions are not cached, because the model keeps a state",
    ],
  };
};

/** Whose name is that of the input with a suffix: `state` and `stateN`, `h` and `hn`. */
function stateOutput(
  { model }: ProposalInput,
  { name, shape }: TensorSpec,
): TensorSpec | undefined {
  const candidates = model.outputs.filter(
    (spec) => spec.shape.length === shape.length || spec.shape.length === 0,
  );
  const suffix = ["n", "N", "_n", "_out", "_new", "out"].map((end) => `${name}${end}`);
  return candidates.find((spec) => suffix.includes(spec.name));
}

function windowOf({ shape }: TensorSpec, states: number) {
  const width = fixedSize(shape[1]);
  const guessed = states === 1 ? WINDOW_SAMPLES + CONTEXT_SAMPLES : WINDOW_SAMPLES;
  const samples = width ?? guessed;
  const contextSamples = samples === WINDOW_SAMPLES + CONTEXT_SAMPLES ? CONTEXT_SAMPLES : 0;
  const windowSamples = samples - contextSamples;
  const inFront =
    contextSamples > 0 ? `, with ${contextSamples} of the window before in front` : "";
  return {
    windowSamples,
    contextSamples,
    note: `windows of ${windowSamples} samples${inFront}${width === undefined ? ", guessed: the input takes any number" : ""}`,
  };
}

/** Whisper in this form has three models, and many decisions that no file of an export says. */
export const proposeSpeechRecognition: ProposeTask = async (task, input) => {
  throw cannotPropose(
    input,
    task,
    "it needs a decoder, an encoder and a model of voice activity, with token ids that no file of an export says",
    "Send the files, and a manifest with models (encoder, voice-activity), preprocess (log-mel) and postprocess (speech-recognition): docs/blocks/audio.md#speech-recognition has an example.",
  );
};

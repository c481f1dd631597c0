import type { TextGenerationBlock } from "../../domain/blocks/postprocess/text-generation.ts";
import { ApiError } from "../../domain/errors.ts";
import { clip } from "../../shared/quote.ts";
import type { Span } from "../../tasks/text/token-spans.ts";
import { chooseOutputs } from "../choose-outputs.ts";
import type { Coalition } from "../game.ts";
import { onlySpace } from "../media/choose-space.ts";
import { checkPlayers, type MediaInput } from "../media/media-input.ts";
import type { MediaParameters } from "../media/media-parameters.ts";
import type { ExplanationRequest } from "../method.ts";
import { toExplainedSpans } from "./explained-spans.ts";
import { scoreAnswer, type WrittenAnswer, writeAnswer } from "./generation-scorer.ts";
import { splitWords, wordAt } from "./split-words.ts";

/** Runs of a sampled method: each reads prompt and answer token by token. */
const DEFAULT_RUNS = 200;
const DEFAULT_NEW_TOKENS = 20;
/** Of the model: one writes the answer. */
const OPENED_RUNS = 1;

/**
 * A prompt as a game: the value is how probable the answer is that the model has written to all of it, as the logarithm of its
 * probability, the sum over its tokens; each token of the answer is an output as well.
 */
export async function openGeneration(
  request: ExplanationRequest<MediaParameters>,
): Promise<MediaInput> {
  const { version, inputs, parameters, output } = request;
  const block = version.model.manifest.postprocess as TextGenerationBlock;
  if (parameters.removal === "mask") throw noMask();
  const space = onlySpace("output", "gives tokens logarithms of probabilities", request);
  const { max_new_tokens: most = DEFAULT_NEW_TOKENS } = parameters;
  const written = await writeAnswer(version, inputs, most, block.context);
  const prompt = readPrompt(written, parameters.unit ?? "word");
  const { spans, text } = prompt;
  checkPlayers(spans.length, parameters.unit === "token" ? "tokens" : "words");
  const answer = written.tokens.map(({ id }) => id);
  const names = [clip(written.text), ...written.tokens.map((token) => token.text)];
  const outputs = chooseOutputs(output, names, 0);

  const evaluate = async (coalition: Coalition): Promise<number[]> => {
    const kept = written.prompt.filter((_, at) => {
      const part = prompt.partOf[at] as number;
      return part < 0 || coalition[part] === 1;
    });
    const ids = kept.map(({ id }) => id);
    // Something has to come before the first token of the answer.
    const begun = ids.length > 0 ? ids : block.eosTokenIds.slice(0, 1);
    const logprobs = await scoreAnswer(version, begun, answer);
    return [logprobs.reduce((sum, logprob) => sum + logprob, 0), ...logprobs];
  };

  return {
    game: {
      players: spans.length,
      outputs: outputs.indices.length,
      runsPerCoalition: 1,
      async evaluate(coalitions) {
        const width = outputs.indices.length;
        const values = new Float64Array(coalitions.length * width);
        for (const [at, coalition] of coalitions.entries()) {
          const found = await evaluate(coalition);
          values.set(
            outputs.indices.map((place) => found[place] ?? 0),
            at * width,
          );
        }
        return values;
      },
    },
    space,
    outputs,
    featureNames: spans.map(({ start, end }) => text.slice(start, end)),
    data: spans.map(({ start, end }) => text.slice(start, end)),
    openedRuns: OPENED_RUNS,
    tokensPerRun: written.prompt.length + answer.length,
    defaultRuns: DEFAULT_RUNS,
    place: (values) => ({
      text,
      spans: toExplainedSpans(text, spans, values),
      generated_text: written.text,
      tokens: written.tokens,
    }),
  };
}

interface ReadPrompt {
  /** Without the special tokens, which are always there. */
  readonly text: string;
  readonly spans: readonly Span[];
  /** By token, the part that it belongs to; -1 for special tokens, and for spaces alone. */
  readonly partOf: readonly number[];
}

function readPrompt({ prompt }: WrittenAnswer, unit: "word" | "token"): ReadPrompt {
  let text = "";
  const places = prompt.map((token): Span | undefined => {
    if (token.special || token.added) return undefined;
    const start = text.length;
    text += token.text;
    return { start, end: text.length };
  });
  if (unit === "word") {
    const words = splitWords(text);
    const partOf = places.map((place) => (place ? wordAt(words, place) : -1));
    return { text, spans: words, partOf };
  }
  const spans = places.filter((place) => place !== undefined);
  let next = 0;
  return { text, spans, partOf: places.map((place) => (place ? next++ : -1)) };
}

function noMask(): ApiError {
  return new ApiError(
    "invalid_request",
    '"parameters" are not valid for this model: removal cannot be mask, because a model that generates text has no mask token. Send remove instead.',
    { details: { field: "removal", valid: ["remove"] } },
  );
}

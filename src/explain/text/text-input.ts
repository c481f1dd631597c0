import { ApiError } from "../../domain/errors.ts";
import { elementCount, type Tensor } from "../../domain/tensor.ts";
import { TokenIds } from "../../domain/token-ids.ts";
import { textOf } from "../../tasks/text/text-item.ts";
import type { TextMetadata } from "../../tasks/text/text-metadata.ts";
import { chooseOutputs } from "../choose-outputs.ts";
import type { VersionBlocks } from "../explained-version.ts";
import type { Coalition } from "../game.ts";
import { createItemReader, type ReadItem } from "../media/item-reader.ts";
import { checkPlayers, type MediaInput } from "../media/media-input.ts";
import type { MediaParameters } from "../media/media-parameters.ts";
import { type Reading, readScores } from "../media/reading.ts";
import type { ExplanationRequest } from "../method.ts";
import { openEmbedding } from "./embedding-reading.ts";
import { readEntities } from "./entity-reading.ts";
import { toExplainedSpans } from "./explained-spans.ts";
import { type TextPieces, tokenPieces, wordPieces } from "./text-pieces.ts";

function isPair(inputs: unknown): boolean {
  return typeof inputs === "object" && inputs !== null && "text_pair" in inputs;
}

function onlySingle(): ApiError {
  return new ApiError(
    "invalid_input",
    '"inputs" is a pair of texts, of which the parts are not explained: single texts are.',
  );
}

/** Runs of a sampled method: some seconds of a small model. */
const DEFAULT_RUNS = 1000;

/** A text as a game: its words or tokens are the players. */
export async function openText(
  request: ExplanationRequest<MediaParameters>,
  blocks: VersionBlocks,
): Promise<MediaInput> {
  const { version, inputs, parameters, output } = request;
  const checkpoint = () => version.call.checkpoint();
  const reader = createItemReader(version, blocks);
  const opened = await openReading();
  const { whole, reading } = opened;
  const metadata = whole.metadata as TextMetadata | undefined;
  const pieces = metadata
    ? await tokenPieces(metadata, parameters, checkpoint, opened.needsPlaces)
    : wordPieces(textOf({ value: inputs, path: "inputs" }), parameters);
  const { spans, text } = pieces;
  checkPlayers(spans.length, parameters.unit === "token" ? "tokens" : "words");
  const outputs = chooseOutputs(output, reading.names, reading.predicted);

  async function openReading(): Promise<OpenedText> {
    if (version.model.manifest.postprocess?.type === "embedding")
      return { ...(await openEmbedding(request, blocks, reader)), needsPlaces: false };
    if (inputs instanceof TokenIds) throw onlyTexts();
    if (isPair(inputs)) throw onlySingle();
    const whole = await reader.read(inputs);
    if (version.model.manifest.postprocess?.type === "token-classification")
      return { ...(await readEntities(request, blocks, whole)), whole, runs: 0, needsPlaces: true };
    const reading = await readScores(version, request.space, whole);
    return { whole, reading, runs: 0, needsPlaces: false };
  }

  const evaluate = async (coalition: Coalition): Promise<Float64Array> => {
    if (coalition.every((known) => known === 1)) return reading.full;
    const item = await readPart(pieces, coalition);
    const kept = pieces.keptTokens?.(coalition);
    return kept ? reading.value(item, kept) : reading.value(item);
  };

  /** A text that has nothing left of what the model reads has none of it: no letters, for instance. */
  const readPart = async (of: TextPieces, coalition: Coalition): Promise<ReadItem> => {
    try {
      return await reader.read(of.toItem(coalition));
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "invalid_input" || metadata) throw error;
      return { tensors: whole.tensors.map(empty), metadata: undefined };
    }
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
          for (const [index, place] of outputs.indices.entries())
            values[at * width + index] = found[place] ?? 0;
        }
        return values;
      },
    },
    space: reading.space,
    outputs,
    featureNames: spans.map(({ start, end }) => text.slice(start, end)),
    data: spans.map(({ start, end }) => text.slice(start, end)),
    openedRuns: opened.runs,
    defaultRuns: DEFAULT_RUNS,
    place: (values) => ({ text, spans: toExplainedSpans(text, spans, values) }),
  };
}

interface OpenedText {
  readonly whole: ReadItem;
  readonly reading: Reading;
  readonly runs: number;
  /** Whether the places of tokens must be known in a text without some of its words. */
  readonly needsPlaces: boolean;
}

function empty(tensor: Tensor): Tensor {
  if (tensor.datatype === "BYTES")
    return { ...tensor, data: Array.from({ length: elementCount(tensor.shape) }, () => "") };
  return { ...tensor, data: new Uint8Array(tensor.data.length) };
}

function onlyTexts(): ApiError {
  return new ApiError(
    "invalid_input",
    "inputs has token ids: send the text, whose words and tokens are explained.",
  );
}

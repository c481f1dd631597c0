import {
  type TextLine,
  type TextLinesBlock,
  textLinesBlock,
} from "../../domain/blocks/postprocess/text-lines.ts";
import { type PageBlock, pageBlock } from "../../domain/blocks/preprocess/page.ts";
import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { TaskPart } from "../../domain/task.ts";
import { toFileBytes } from "../file-bytes.ts";
import type { DecodeImage } from "../image/decode-image.ts";
import { IMAGE_FILE } from "../image/image-file.ts";
import { parseParameters } from "../parameters.ts";
import { type Item, splitList } from "../preprocessor.ts";
import { runInSteps } from "../run-in-steps.ts";
import { splitInputs } from "../split-inputs.ts";
import type { ModelSet, Task } from "../task.ts";
import { cutLine } from "./cut-line.ts";
import { readDictionary } from "./dictionary.ts";
import { createLineFinder } from "./find-lines.ts";
import { type LinePixels, wholeImage } from "./line-pixels.ts";
import { toLineTensor } from "./line-tensor.ts";
import { createPixelWriter } from "./pixel-numbers.ts";
import { type ReadText, readCharacters } from "./read-characters.ts";
import { readPage } from "./read-page.ts";
import type { Quadrilateral } from "./rectangle.ts";
import { runMember } from "./run-member.ts";
import { placeLine, wholeLine } from "./text-line.ts";
import { createLineTurner } from "./turn-lines.ts";

/** Pages of a request. */
const MAX_PAGES = 16;

/**
 * Reads the text of images: of pages, whose lines are found, turned and cut, or of single lines. Each line is one run, so that its text does
 * not depend on the others, and other requests are answered in between. A stream has a part for each line.
 */
export function createImageToTextTask(
  manifest: Manifest,
  block: PageBlock,
  defaults: TextLinesBlock,
  dictionaryFile: Uint8Array,
  decodeImage: DecodeImage,
): Task {
  const dictionary = readDictionary(dictionaryFile, defaults, manifest);
  const { outputs } = textLinesBlock.references(defaults);
  const writer = createPixelWriter(block);
  const findLines = block.detection && createLineFinder(block.detection);
  const turnLine = block.direction && createLineTurner(block.direction);

  async function readText(line: LinePixels, models: ModelSet, call: Call): Promise<ReadText> {
    const { trace, checkpoint } = call;
    const tensor = await trace.measureAsync("preprocess", async () =>
      runInSteps(toLineTensor(line, block, writer), checkpoint),
    );
    await checkpoint();
    const results = await runMember(models, tensor, outputs, call);
    const steps = readCharacters(results, dictionary, defaults);
    const text = await trace.measureAsync("postprocess", async () => runInSteps(steps, checkpoint));
    // Between two runs that are long.
    await call.pause();
    return text;
  }

  /** The lines of an image, each when it has been read. */
  async function* readLines(
    { value, path }: Item,
    threshold: number,
    models: ModelSet,
    call: Call,
  ): AsyncGenerator<TextLine, undefined> {
    const { trace, checkpoint } = call;
    const file = trace.measure("decode", () => toFileBytes(value, path, IMAGE_FILE));
    const page = await trace.measureAsync("decode", () =>
      readPage(file, path, decodeImage, () => checkpoint()),
    );
    await checkpoint();
    const { pixels } = page;
    const found: Iterable<readonly [Quadrilateral, LinePixels]> = findLines
      ? (await findLines(page, path, models, call)).map((box) => [box, cutLine(pixels, box)])
      : [[wholeLine(pixels), wholeImage(pixels)]];
    for (const [corners, cut] of found) {
      const { line, isTurned } = turnLine
        ? await turnLine(cut, models, call)
        : { line: cut, isTurned: false };
      const { text, score } = await readText(line, models, call);
      if (text === "" || score < threshold) continue;
      yield { text, score, ...placeLine(corners, page, isTurned) };
    }
  }

  return {
    parameters: textLinesBlock.parameters,
    async execute(request, models, call) {
      const parameters = parseParameters(textLinesBlock.parameters, request.parameters);
      const { items, form } = await splitInputs(INPUTS, request.inputs, parameters, call);
      const { threshold = defaults.scoreThreshold } = parameters;
      const [first] = items;
      if (request.stream && form === "list")
        throw new ApiError(
          "invalid_request",
          '"stream" is true, and "inputs" is a list: a stream is the text of one image.',
        );
      if (request.stream && first)
        return { kind: "stream", parts: toParts(readLines(first, threshold, models, call)) };
      const predictions = [];
      for (const item of items) {
        const lines: TextLine[] = [];
        for await (const line of readLines(item, threshold, models, call)) lines.push(line);
        predictions.push([toAnswer(lines)]);
      }
      return { kind: "value", value: form === "one" ? predictions[0] : predictions, form };
    },
  };
}

/** Each line, then the whole text. */
async function* toParts(lines: AsyncIterable<TextLine>): AsyncGenerator<TaskPart, undefined> {
  const read: TextLine[] = [];
  for await (const line of lines) {
    read.push(line);
    yield { line };
  }
  yield { generated_text: toAnswer(read).generated_text };
}

function toAnswer(lines: readonly TextLine[]) {
  return { generated_text: lines.map(({ text }) => text).join("\n"), lines };
}

const INPUTS = {
  mediaTypes: pageBlock.mediaTypes,
  split: (inputs: unknown) => splitList(inputs, checkPageCount),
};

/** @throws ApiError `invalid_input` for more images than a request may have */
function checkPageCount(count: number): void {
  if (count <= MAX_PAGES) return;
  throw new ApiError(
    "invalid_input",
    `"inputs" has ${count} images: send at most ${MAX_PAGES} in one request.`,
    { details: { maximum: MAX_PAGES } },
  );
}

import { type PageBlock, pageBlock } from "../../domain/blocks/preprocess/page.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import { cannotPropose, chooseOutput, onlyInput, type ProposeTask } from "./proposal.ts";

/** The file of the characters, as it has to be called. */
const DICTIONARY = "dictionary.txt";

/** A model that reads one line of text, as PaddleOCR's. */
export const proposeImageToText: ProposeTask = async (task, input) => {
  const spec = onlyInput(task, input);
  const [, channels, height] = spec.shape.map(fixedSize);
  const width = fixedSize(spec.shape[3]);
  if (spec.datatype !== "FP32" || spec.shape.length !== 4 || !(channels === 1 || channels === 3))
    throw cannotPropose(
      input,
      task,
      "its input is not FP32 of shape [batch, 1 or 3, height, width], a line of text",
      SEND_FILES,
    );
  const output = chooseOutput(task, input, {
    fits: ({ datatype, shape }) => datatype === "FP32" && shape.length === 3,
    names: /softmax|prob|logit|out|fetch|ctc/i,
    needed: "scores of shape [batch, steps, characters]",
  });
  const block: PageBlock = pageBlock.schema.parse({
    type: "page",
    version: 1,
    input: spec.name,
    ...(height !== undefined && { height }),
    ...(width !== undefined && { minWidth: width, maxWidth: width }),
    color: channels === 1 ? "GRAY" : "BGR",
  });
  const isSoftmax = /softmax|prob|fetch/i.test(output.name);
  return {
    task,
    preprocess: block,
    postprocess: {
      type: "text-lines",
      version: 1,
      output: output.name,
      dictionary: DICTIONARY,
      blank: "first",
      space: true,
      activation: isSoftmax ? "none" : "softmax",
      scoreThreshold: 0,
    },
    files: [{ path: DICTIONARY }],
    notes: [
      `an image is one line of text, scaled to a height of ${block.height}, ${block.color}, its levels from -1 to 1, as PaddleOCR has them, guessed`,
      `characters are the lines of ${DICTIONARY}, with the blank before them and a space after, guessed`,
      `scores of the output "${output.name}" are ${isSoftmax ? "probabilities, by its name" : "made probabilities by softmax, guessed"}`,
      "pages are read with a model that finds their lines: `detection` of docs/blocks/images.md#page",
    ],
  };
};

const SEND_FILES =
  "Send the model that reads a line as the main one, those that find and turn lines as models, and a manifest with preprocess (page) and postprocess (text-lines): docs/blocks/images.md#page has an example.";

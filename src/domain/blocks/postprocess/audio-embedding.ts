import * as z from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import { findSpec, tensorProblems } from "../tensor-checks.ts";
import {
  aggregationField,
  frontEndProblems,
  soundParameters,
  windowTimes,
} from "./audio-fields.ts";

const schema = z.strictObject({
  type: z.literal("audio-embedding"),
  version,
  output: z
    .string()
    .describe(
      "The model's FP32 output: [batch, dimensions], [batch, frames, dimensions], or without a batch [dimensions] or [frames, dimensions].",
    ),
  pooling: z
    .enum(["mean", "first", "none"])
    .default("mean")
    .describe(
      "Of frames: the mean of their vectors, or the first one; none for an output without frames.",
    ),
  normalize: z.boolean().default(false).describe("Whether vectors are scaled to length 1."),
  aggregation: aggregationField,
});

export type AudioEmbeddingBlock = z.output<typeof schema>;

const vector = z.array(z.number());
const window = z.strictObject({ ...windowTimes, embedding: vector });

/** A vector for a recording, or one for each of its windows. */
export const audioEmbeddingBlock = {
  type: "audio-embedding",
  schema,
  parameters: z.strictObject({
    normalize: z.boolean().optional().describe("whether vectors are scaled to length 1"),
    ...soundParameters,
  }),
  prediction: z
    .union([vector, z.array(window)])
    .describe("Audio features: the vector of a recording; with `timestamps` that of each window."),
  named: { EmbeddedWindow: window },
  references: ({ output }) => ({ outputs: [output] }),
  *problems(block, manifest) {
    yield* frontEndProblems("audio-embedding", manifest);
    const spec = findSpec(manifest.outputs, block.output);
    if (!spec) return;
    const shapes = [["batch", "frames", "dimensions"], ["batch", "dimensions"], ["dimensions"]];
    yield* tensorProblems(["postprocess", "output"], spec, { datatypes: ["FP32"], shapes });
    const isPooled = block.pooling === "none";
    if (isPooled && spec.shape.length === 3)
      yield {
        path: ["postprocess", "pooling"],
        message: `must be mean or first: ${JSON.stringify(spec.name)} has frames`,
      };
  },
} satisfies PostprocessDefinition<typeof schema>;

export type AudioEmbeddingParameters = z.output<typeof audioEmbeddingBlock.parameters>;

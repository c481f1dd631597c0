import { z } from "zod";

/** The answers of the task door: `/openapi.json` is made from it, and tests hold answers to it. */

const classification = z
  .array(z.strictObject({ label: z.string(), score: z.number() }))
  .describe("Classification: labels with scores, best first.");

const detection = z
  .array(
    z.strictObject({
      label: z.string(),
      score: z.number(),
      box: z.strictObject({
        xmin: z.number(),
        ymin: z.number(),
        xmax: z.number(),
        ymax: z.number(),
      }),
    }),
  )
  .describe("Object detection: labels with scores and boxes in pixels, best first.");

const clustering = z
  .array(z.strictObject({ label: z.string(), distance: z.number() }))
  .describe("Clustering: clusters with the distance to their centres, nearest first.");

const numbers = z
  .array(z.number())
  .describe(
    "Regression: one number for each row. Feature extraction: the vector of one text. Sentence similarity: a cosine for each sentence.",
  );

const place = {
  word: z.string().describe("The tokens joined; the text itself is from `start` to `end`."),
  score: z.number(),
  start: z.int().describe("In code points."),
  end: z.int(),
};

const entities = z
  .array(
    z.union([
      z.strictObject({ entity_group: z.string(), ...place }),
      z.strictObject({ entity: z.string(), index: z.int(), ...place }),
    ]),
  )
  .describe("Token classification: entities, or tokens without aggregation, in their order.");

const voiceActivity = z
  .strictObject({
    speech: z
      .array(z.strictObject({ start: z.number(), end: z.number() }))
      .describe("Where somebody speaks, in seconds since the stream began."),
    probabilities: z.array(z.number()).describe("Of speech, one for each window."),
    state: z
      .string()
      .optional()
      .describe("With `stream`: to be sent back, as it is, with the next piece."),
  })
  .describe("Voice activity of a recording, or of a piece of a stream.");

export const taskAnswerSchema = z
  .union([
    numbers,
    classification,
    clustering,
    detection,
    entities,
    voiceActivity,
    z.array(numbers),
    z.array(classification),
    z.array(clustering),
    z.array(detection),
    z.array(entities),
    z.array(voiceActivity),
  ])
  .describe("One item is answered by its answer, a list of items by a list of answers.");

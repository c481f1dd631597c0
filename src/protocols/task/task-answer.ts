import { z } from "zod";

/** The answers of the task door: `/openapi.json` is made from it, and tests hold answers to it. */

const classification = z
  .array(z.strictObject({ label: z.string(), score: z.number() }))
  .describe("Classification: labels with scores, best first.");

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

export const taskAnswerSchema = z
  .union([
    numbers,
    classification,
    clustering,
    entities,
    z.array(numbers),
    z.array(classification),
    z.array(clustering),
    z.array(entities),
  ])
  .describe("One item is answered by its answer, a list of items by a list of answers.");

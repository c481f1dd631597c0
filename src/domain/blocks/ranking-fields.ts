import * as z from "zod";

/** What blocks that rank texts have in common. */

export const rankedText = z.strictObject({
  index: z.int().min(0).describe("The place of the text in the request."),
  score: z.number(),
});

export type RankedTextScore = z.output<typeof rankedText>;

export const rankingLength = z
  .int()
  .min(1)
  .optional()
  .describe("how many texts of a ranking are returned");

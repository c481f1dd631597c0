import * as z from "zod";
import { backgroundSchema } from "../../domain/explanation/background.ts";

const digest = z
  .string()
  .describe("Of the rows: explanations with other rows are other explanations.");

export const knownBackgroundSchema = z.strictObject({ digest, background: backgroundSchema });

export const keptBackgroundSchema = z.strictObject({
  model: z.string(),
  version: z.string(),
  digest,
  rows: z.int().min(1),
});

export const deletedBackgroundSchema = z.strictObject({
  deleted: z.strictObject({ name: z.string(), version: z.string() }),
});

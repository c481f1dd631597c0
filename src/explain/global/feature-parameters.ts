import * as z from "zod";

/** Columns of the table, by name or index. */
export const featuresSchema = z
  .array(z.union([z.string().max(1024), z.int().min(0)]))
  .min(1)
  .max(1000)
  .optional()
  .describe(
    "Of methods over tables: the features that are looked at, by name or index. All by default.",
  );

import * as z from "zod";
import { count, spread } from "./fields.ts";

const name = z.string().describe("Of the input or column; `name[i]` of a column without a name.");
const looked = count.describe("Values that were looked at and are there.");
const missing = count.describe("Values that were looked at and are missing: null or NaN.");
/** Only of numbers that are no single value of an input: see `WRITTEN_FROM` of src/telemetry/written-event.ts. */
const moment = z.number().optional();

const numeric = z.strictObject({
  name,
  kind: z.literal("numeric"),
  count: looked,
  missing,
  mean: moment.describe("Absent of events that are written, where fewer than 5 values would tell."),
  deviation: moment.describe(
    "The standard deviation, that of a population; absent where `mean` is.",
  ),
  min: moment.describe("Never in events that are written: it is a value."),
  max: moment.describe("Never in events that are written: it is a value."),
  histogram: z
    .array(count)
    .readonly()
    .optional()
    .describe("Counts by the bins of the reference profile, one more than it has edges."),
});

const category = z.strictObject({
  name,
  kind: z.literal("category"),
  count: looked,
  missing,
  counts: z
    .array(count)
    .readonly()
    .optional()
    .describe(
      "By the categories of the reference profile, the last one of all others; absent of events that are written, where fewer than 5 values would tell, and without a profile.",
    ),
});

const text = z.strictObject({
  name,
  kind: z.literal("text"),
  count: looked,
  missing,
  characters: spread.describe("Lengths in UTF-16 code units."),
  histogram: z
    .array(count)
    .readonly()
    .optional()
    .describe("Counts of lengths by the bins of the reference profile."),
  languages: z
    .record(z.string(), count)
    .readonly()
    .optional()
    .describe(
      "Texts by language tag (BCP 47) as far as the script tells: `ja`, `ko`, `el`, else `und-Latn`, `und-Cyrl`, ...; `und` where no letter was found.",
    ),
});

const image = z.strictObject({
  name,
  kind: z.literal("image"),
  count: looked,
  missing,
  width: spread.optional().describe("In pixels; absent where no header could be read."),
  height: spread.optional().describe("In pixels; absent where no header could be read."),
  bytes: spread.optional().describe("Of the files; absent of pixels that came as numbers."),
});

const audio = z.strictObject({
  name,
  kind: z.literal("audio"),
  count: looked,
  missing,
  seconds: spread.optional().describe("Durations; absent where no header could be read."),
  bytes: spread.optional().describe("Of the files; absent of samples that came as numbers."),
});

/** One input, or one column of it. Never a value of an input. */
export const inputStatisticsSchema = z.discriminatedUnion("kind", [
  numeric.readonly(),
  category.readonly(),
  text.readonly(),
  image.readonly(),
  audio.readonly(),
]);

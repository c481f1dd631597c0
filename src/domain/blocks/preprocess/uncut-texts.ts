import * as z from "zod";
import { TRUNCATION_DIRECTIONS } from "./tokenizer.ts";

/** Parameters of blocks that never cut a text, for clients that send them to every model of texts. */
export const UNCUT_TEXT_PARAMETERS = z.strictObject({
  truncate: z.boolean().optional().describe("accepted, and ignored: no text is cut"),
  truncation_direction: z
    .enum(TRUNCATION_DIRECTIONS)
    .optional()
    .describe("accepted, and ignored: no text is cut"),
});

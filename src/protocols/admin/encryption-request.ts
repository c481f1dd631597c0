import * as z from "zod";
import { parseWith } from "../parse.ts";

const MAX_KEY_LENGTH = 1024;

export const encryptionRequestSchema = z.strictObject({
  plain: z
    .boolean()
    .default(false)
    .describe(
      "Whether objects that are not encrypted are encrypted: those that were there before there was a key. Set it only then, as anyone who can write into the bucket may have put others there.",
    ),
  after: z.string().max(MAX_KEY_LENGTH).optional().describe("`after` of the response before."),
});

/** @throws ApiError `invalid_request` */
export function parseEncryptionRequest(body: unknown): z.output<typeof encryptionRequestSchema> {
  return parseWith(encryptionRequestSchema, body);
}

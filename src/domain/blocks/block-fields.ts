import * as z from "zod";

/** Fields and schemas that blocks of several kinds have. */

export const filePath = z
  .string()
  .regex(
    /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/,
    "a relative path of letters, digits, dots, underscores, hyphens and slashes, without . or .. segments",
  )
  .refine((path) => path !== "manifest.json", "manifest.json is the manifest itself");

export const blockVersion = z
  .literal(1)
  .describe(
    "Raised when the block's arithmetic changes, so that cached predictions are not reused.",
  );

/** The parameters of a block that takes none. */
export const NO_PARAMETERS = z.strictObject({});

/** A media type that text blocks take. */
export const TEXT_MEDIA_TYPES = ["text/plain"] as const;

import * as z from "zod";
import { actorSchema, aliasSchema, noteSchema } from "../../domain/routing.ts";
import { TASK_KINDS } from "../../domain/task-kinds.ts";
import { UPLOAD_PATH } from "../../domain/upload.ts";
import { parseWith } from "../parse.ts";

export const MIN_CONTEXT = 2;
export const MAX_CONTEXT = 131_072;
const MAX_FILES = 64;
const MAX_LABELS = 200_000;
/** In characters. */
const MAX_PATH = 200;

/**
 * A refinement: generators of requests cannot make texts of the pattern. Its length is in characters, as that of JSON Schema, where
 * `max` counts UTF-16 units.
 */
const uploadPath = z
  .string()
  .refine(
    (path) => path.length <= 2 * MAX_PATH && UPLOAD_PATH.test(path),
    'a relative path of up to 200 characters without "." and ".." segments, backslashes and control characters',
  )
  .meta({ minLength: 1, maxLength: MAX_PATH });

/** What is published of the files that were sent for a version. */
export const publishBodySchema = z.strictObject({
  manifest: z
    .record(z.string(), z.unknown())
    .optional()
    .describe(
      "A manifest, or a part of one: what it leaves out is read of the model (name, version, format, files, inputs, outputs), and with a task its blocks are proposed where they are missing. `docs/manifest.schema.json` has the fields.",
    ),
  task: z
    .enum(TASK_KINDS)
    .optional()
    .describe("The task whose blocks are proposed from the model and the sent files."),
  labels: z
    .array(z.string())
    .min(1)
    .max(MAX_LABELS)
    .optional()
    .describe("The labels of the classes, in the order of the scores."),
  context: z
    .int()
    .min(MIN_CONTEXT)
    .max(MAX_CONTEXT)
    .optional()
    .describe(
      "Of a language model: how many tokens prompt and answer may have together, if fewer than the model was made for.",
    ),
  file: uploadPath.optional().describe("The path of the model, where several models were sent."),
  files: z
    .array(
      z.strictObject({
        path: uploadPath,
        sha256: z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits"),
      }),
    )
    .max(MAX_FILES)
    .optional()
    .describe("Digests that sent files must have; they select one of several of the same path."),
  signature: z
    .record(z.string(), z.unknown())
    .optional()
    .describe(
      "A bundle of OpenSSF's model signing over the `manifestText` of a dry run, whose manifest is published with it.",
    ),
  alias: aliasSchema.optional().describe("An alias that gets the version when it is published."),
  actor: actorSchema.optional(),
  note: noteSchema.optional(),
  force: z
    .boolean()
    .optional()
    .describe("Publishes other files under the number of a version that was deleted."),
  dryRun: z
    .boolean()
    .optional()
    .describe(
      "Whether all is done but the publication: the manifest that is returned can be signed, and published unchanged within 45 minutes.",
    ),
});

export type PublishBody = z.output<typeof publishBodySchema>;

/** @throws ApiError `invalid_request` */
export function parsePublishBody(body: unknown): PublishBody {
  return parseWith(publishBodySchema, body);
}

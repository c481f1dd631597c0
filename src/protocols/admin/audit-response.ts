import * as z from "zod";
import { AUDIT_PHASES } from "../../domain/audit/audit-entry.ts";

/** Schemas of the responses about the audit log. */

const seq = z.int().min(1).describe("1 for the first entry, and then one more for each.");
const hash = z
  .string()
  .describe(
    "SHA-256, in hexadecimal, of the canonical JSON (RFC 8785) of all fields of the entry but `hash`, `details`, `salt` and `erased`.",
  );
const state = z.record(z.string(), z.unknown());

const auditEntrySchema = z.strictObject({
  seq,
  at: z.iso.datetime().describe("By the clock of the authority."),
  change: z.string().describe("The id of the change, which its two entries share."),
  phase: z
    .enum(AUDIT_PHASES)
    .describe("An entry is written before a change, and another one after it."),
  operation: z.string().describe("The id of the operation in this document, or the name of a job."),
  by: z.string().describe("The label of the principal; `schedule` for a job."),
  requestId: z.string().optional(),
  target: z.record(z.string(), z.string()).optional().describe("What is changed."),
  errorCode: z.string().optional().describe("Of `failed`."),
  erases: z
    .array(z.int().min(1))
    .optional()
    .describe("Of an erasure: the numbers of the entries whose details it has removed."),
  detailsHash: z
    .string()
    .optional()
    .describe("SHA-256 of the canonical JSON of an object with `details` and `salt`."),
  previous: z.string().describe("The hash of the previous entry; zeros in the first one."),
  hash,
  salt: z.string().optional(),
  details: z
    .strictObject({
      actor: z.string().optional().describe("Whom the request names."),
      request: state.optional().describe("Fields of the request."),
      before: state.optional().describe("What has changed, as it was before."),
      after: state.optional().describe("What has changed, as it is afterwards."),
    })
    .optional(),
  erased: z.literal(true).optional().describe("The details were removed by an erasure."),
});

const damagedEntrySchema = z.strictObject({
  seq,
  hash: z.string(),
  damaged: z.literal(true).describe("Somebody has changed the entry, which is none any longer."),
});

export const auditPageSchema = z.strictObject({
  entries: z
    .array(z.union([auditEntrySchema, damagedEntrySchema]))
    .describe("Oldest first with `after`, newest first without it."),
  next: z
    .int()
    .min(1)
    .optional()
    .describe("`after` or `before` of the next page; absent on the last one."),
});

export const auditHeadSchema = z.strictObject({
  seq: z.int().min(0).describe("The number of entries."),
  hash: z.string().describe("The hash of the last entry; zeros without entries."),
});

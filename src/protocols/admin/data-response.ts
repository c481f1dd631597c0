import * as z from "zod";
import { SELECTOR_KINDS } from "../../domain/data-selector.ts";

const time = z.iso.datetime();
const selector = z
  .strictObject({
    kind: z.enum(SELECTOR_KINDS),
    value: z
      .string()
      .describe("The id of a key; of a subject and of a request the hash, never the id."),
  })
  .describe("Whose data it is.");
const cursor = z.string().optional().describe("Where to go on; absent at the end.");

export const erasureSchema = z.strictObject({
  receipt: z.strictObject({
    schemaVersion: z.literal(1),
    id: z.uuid().describe("Of the erasure, in each receipt of it."),
    selector,
    startedAt: time.describe("What is older was erased."),
    issuedAt: time,
    complete: z.boolean().describe("Whether all stores are complete."),
    stores: z.array(
      z.strictObject({
        name: z.string(),
        erased: z.int().min(0).describe("Objects, entries, events, rows."),
        complete: z.boolean(),
        problem: z.string().optional().describe("The code of an error that ended the attempt."),
        remains: z
          .array(z.strictObject({ what: z.string(), until: time.optional() }))
          .optional()
          .describe("What nobody can remove and nothing uses, and when it goes by itself."),
      }),
    ),
  }),
  jws: z
    .string()
    .describe("The receipt, signed with Ed25519: a JSON Web Signature in the compact form."),
  cursor,
});

export const dataExportSchema = z.strictObject({
  selector,
  exportedAt: time,
  stores: z.array(
    z.strictObject({ name: z.string(), items: z.array(z.record(z.string(), z.unknown())) }),
  ),
  cursor,
});

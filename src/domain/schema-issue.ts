import type { z } from "zod";
import { isJsonNumber } from "../shared/json-number.ts";
import { clip, quote, quoteAll } from "../shared/quote.ts";

/**
 * The message of an issue; of unrecognized keys only the first ones, each cut to a readable length. It has the number
 * or text that was received if the schema was parsed with `reportInput`.
 */
export function issueMessage(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys")
    return `Unrecognized key${issue.keys.length > 1 ? "s" : ""}: ${quoteAll(issue.keys)}`;
  const received = describeReceived(issue.input);
  if (received === undefined) return issue.message;
  return `${issue.message.replace(/, received \w+$/, "")}, received ${received}`;
}

function describeReceived(input: unknown): string | undefined {
  if (typeof input === "string") return quote(input);
  // As it was written: it is beyond the range of doubles.
  if (isJsonNumber(input)) return clip(input());
  return typeof input === "number" || typeof input === "boolean" ? String(input) : undefined;
}

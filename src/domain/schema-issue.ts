import type { z } from "zod";
import { quoteAll } from "../shared/quote.ts";

/** The message of an issue; of unrecognized keys only the first ones, each cut to a readable length. */
export function issueMessage(issue: z.core.$ZodIssue): string {
  if (issue.code !== "unrecognized_keys") return issue.message;
  return `Unrecognized key${issue.keys.length > 1 ? "s" : ""}: ${quoteAll(issue.keys)}`;
}

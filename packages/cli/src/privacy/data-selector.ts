import type { Command } from "commander";
import { usageError } from "../cli-error.ts";

/** Whose data is meant: by one of these. */
export interface SelectorOptions {
  readonly keyId?: string | undefined;
  readonly subject?: string | undefined;
  readonly request?: string | undefined;
}

export function addSelectorOptions(command: Command): void {
  command
    .option("--subject <id>", "of this person: the value of x-subject-id")
    .option("--key-id <id>", "of this API key")
    .option("--request <id>", "of the request with this id");
}

/** The selector, as `/admin/erasures` and `/admin/data-exports` take it. @throws CliError unless it is one */
export function toSelector({ keyId: key, subject, request: requestId }: SelectorOptions): object {
  const given = Object.entries({ key, subject, requestId }).filter(
    ([, value]) => value !== undefined,
  );
  if (given.length === 1) return Object.fromEntries(given);
  throw usageError(
    given.length === 0 ? "whose data is not said" : "only one of the selectors can be used",
    "give one of --subject, --key-id and --request",
  );
}

export function describeSelector({ keyId, subject, request }: SelectorOptions): string {
  if (subject !== undefined) return `the subject ${subject}`;
  return keyId === undefined ? `the request ${request}` : `the key ${keyId}`;
}

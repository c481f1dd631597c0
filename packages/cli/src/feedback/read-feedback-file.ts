import { readFileSync } from "node:fs";
import { explain, usageError } from "../cli-error.ts";

/** An item with the number of its line. */
export interface FeedbackLine {
  readonly line: number;
  readonly value: unknown;
}

const EXAMPLE = '{"requestId": "...", "truth": "..."}';

/**
 * Reads one JSON object a line; empty lines are left out.
 * @param file a path, or `-` for standard input
 * @throws CliError that names the line that is no JSON
 */
export function readFeedbackFile(file: string): FeedbackLine[] {
  return parseFeedbackLines(readText(file), file === "-" ? "standard input" : file);
}

/** @throws CliError */
export function parseFeedbackLines(text: string, name: string): FeedbackLine[] {
  const lines = text.split("\n").flatMap((each, index): FeedbackLine[] => {
    if (each.trim() === "") return [];
    const line = index + 1;
    try {
      return [{ line, value: JSON.parse(each) as unknown }];
    } catch {
      throw usageError(`${name}, line ${line}: not JSON, but expected ${EXAMPLE}`);
    }
  });
  if (lines.length === 0) throw usageError(`${name} has no lines, but expected ${EXAMPLE} in each`);
  return lines;
}

function readText(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw usageError(`${file} cannot be read: ${explain(error)}`);
  }
}

import { createInterface } from "node:readline/promises";
import type { CommandContext } from "./context.ts";

/** Asks on a terminal. Elsewhere nobody can answer, so the command that was given counts. */
export async function confirm(
  { output, signal }: CommandContext,
  question: string,
): Promise<boolean> {
  if (!output.isInteractive) return true;
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await reader.question(`${question} [y/N] `, { signal });
    return /^\s*y(es)?\s*$/i.test(answer);
  } finally {
    reader.close();
  }
}

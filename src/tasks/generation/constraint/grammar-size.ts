import { ApiError } from "../../../domain/errors.ts";

/** Limits of a grammar as a whole, docs/configuration.md. */
export const MAX_GRAMMAR_CHARACTERS = 65_536;

/**
 * Counts the characters of all names and texts of a grammar, and its other values as one each, until there are too many.
 * @throws ApiError `invalid_request` for more than are accepted
 */
export function checkGrammarSize(grammar: unknown): void {
  const pending = [grammar];
  let characters = 0;
  while (pending.length > 0) {
    const value = pending.pop();
    characters += typeof value === "string" ? value.length : 1;
    if (typeof value === "object" && value !== null)
      for (const name in value) {
        characters += name.length;
        if (characters + pending.length > MAX_GRAMMAR_CHARACTERS) throw tooLarge();
        pending.push((value as Record<string, unknown>)[name]);
      }
    if (characters > MAX_GRAMMAR_CHARACTERS) throw tooLarge();
  }
}

function tooLarge(): ApiError {
  return new ApiError(
    "invalid_request",
    `"grammar" is too large: its names and values have more than ${MAX_GRAMMAR_CHARACTERS} characters together, the most accepted.`,
    { details: { field: "grammar", maxCharacters: MAX_GRAMMAR_CHARACTERS } },
  );
}

import { ApiError } from "../../domain/errors.ts";
import { describe } from "../../domain/tensor-json.ts";
import { isJoining, toNormalForm } from "../../shared/normal-form.ts";
import type { Steps } from "./word-model.ts";

/** White space of Unicode, of JavaScript and of Python: the latter two know U+FEFF, and the separators U+001C to U+001F. */
const SPACE = "\\s\\p{White_Space}\\x1c-\\x1f";
const OTHERS = new RegExp(`[^\\p{L}\\p{M}${SPACE}-]`, "gu");
const SPACES = new RegExp(`[${SPACE}-]+`, "gu");

/** Characters that are read in one piece of work. */
const PIECE = 65_536;

/**
 * Letters, marks and single spaces only, in lower case, with a space at each end: what lande counts n-grams of. From
 * version 2 of the block on composed and decomposed letters are the same (NFC), and so is all white space, of which
 * lande leaves a single line break or tab as it is.
 * @param path the name of the text in messages
 * @throws ApiError `invalid_input` without letters: the model would return one language with a score of 1
 */
export function* lettersOf(text: string, path: string, version: 1 | 2): Steps<string> {
  const letters = version === 1 ? asWritten(text) : yield* normalized(text, path);
  if (letters.trim() !== "") return ` ${letters.toLowerCase().trim()} `;
  throw new ApiError(
    "invalid_input",
    `${path} has no letters, which this model needs; got ${describe(text)}.`,
  );
}

function asWritten(text: string): string {
  return text
    .replace(/-+/g, " ")
    .replace(/[^\p{L}\p{M}\s]/gu, "")
    .replace(/\s{2,}/g, " ");
}

function* normalized(text: string, path: string): Steps<string> {
  let letters = "";
  for (let start = 0; start < text.length; ) {
    const end = endOfPiece(text, start, path);
    letters += toNormalForm(text.slice(start, end), "NFC").replace(OTHERS, "").replace(SPACES, " ");
    start = end;
    if (end < text.length) yield;
  }
  // Pieces may end and begin with a space.
  return letters.replace(/ {2,}/g, " ");
}

/** A piece ends where no character is normalized with the next one. */
function endOfPiece(text: string, start: number, path: string): number {
  if (text.length - start <= PIECE) return text.length;
  for (let end = start + PIECE; end > start; end--) if (!isJoining(text, end)) return end;
  throw new ApiError("invalid_input", `${path} has more than ${PIECE} combining marks in a row.`, {
    details: { maxMarks: PIECE },
  });
}

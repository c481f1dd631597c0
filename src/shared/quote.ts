/** Texts of a client in a message: a request may be longer than its error by any factor. */

/** A model's name of 63 letters is quoted whole. */
const MAX_LENGTH = 80;
const MAX_LISTED = 3;
/** Of the message of a library or an engine, which may quote names and values whole. */
export const MAX_REASON_LENGTH = 500;

/** The text, cut to a readable length. */
export function clip(text: string, maxLength = MAX_LENGTH): string {
  // A cut may part the two halves of a character.
  return text.length > maxLength ? `${text.slice(0, maxLength - 3).toWellFormed()}...` : text;
}

/** The text in quotes, with escapes for what cannot be printed. */
export function quote(text: string): string {
  return clip(JSON.stringify(text.slice(0, MAX_LENGTH)));
}

/** The first of several texts, each cut, for the details of an error. */
export function clipAll(texts: readonly string[]): string[] {
  return texts.slice(0, MAX_LISTED).map((text) => clip(text));
}

/** `"a", "b", "c" and 7 more` */
export function quoteAll(texts: readonly string[]): string {
  const listed = texts.slice(0, MAX_LISTED).map(quote).join(", ");
  const more = texts.length - MAX_LISTED;
  return more > 0 ? `${listed} and ${more} more` : listed;
}

const ESCAPE = "\u001b";
/**
 * What a terminal interprets instead of showing it: control characters, and those that change the direction of what follows. The colours of this program are left.
 */
const UNPRINTABLE = new RegExp(
  `(${ESCAPE}\\[(?:[12]|22|3[1-6]|39)m)|[\\p{Cc}\\u{202a}-\\u{202e}\\u{2066}-\\u{2069}]`,
  "gu",
);
/** Characters that parsers of JSON allow in a text, and terminals interpret. */
const UNPRINTABLE_IN_JSON = /[\u{7f}-\u{9f}\u{202a}-\u{202e}\u{2066}-\u{2069}]/gu;

/**
 * A text for a terminal, with what it would interpret as escapes: texts of a server are those of its clients and of the makers of models, and an
 * escape sequence in one could forge the rest of the screen.
 * @param keeps characters that are left
 */
export function toPrintable(text: string, keeps = "\n\t"): string {
  return text.replace(UNPRINTABLE, (character, colour?: string) =>
    colour !== undefined || keeps.includes(character) ? character : escaped(character),
  );
}

/** The same JSON without characters that a terminal interprets. */
export function toPrintableJson(json: string): string {
  return json.replace(UNPRINTABLE_IN_JSON, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

import { encodeBase64 } from "./base64.ts";

/** In place of a secret. */
export const HIDDEN = "[secret]";

/**
 * What has the form of a secret, whoever it belongs to: keys of this service (of which the first twelve characters are no secret), keys that
 * clients of other services send by default, and JSON Web Tokens. Each form also matches what a cut has left of it.
 */
const FORMS: readonly RegExp[] = [
  /of_live_[A-Za-z0-9]{13,}/g,
  /of_admin_[A-Za-z0-9_-]{8,}/g,
  // A session of the dashboard.
  /\bv1\.\w+\.\d{10}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g,
  // Of a webhook.
  /whsec_[A-Za-z0-9+/=_-]{16,}/g,
  /\bsk-[A-Za-z0-9_-]{20,}/g,
  /\bhf_[A-Za-z0-9]{20,}/g,
];

/** What may have a JSON Web Token in it. It begins where no run of such characters is, so that each is looked at once. */
const DOTTED = /(?<![\w-])[\w-]+(?:\.[\w-]*)+/g;
/** A JSON object in base64url. */
const TOKEN_HEADER = /\beyJ[\w-]{8}/;
/** After the header; a token that is encrypted has the most. */
const TOKEN_PARTS = 4;

/** A shorter one is a word that other texts may have. */
const MIN_LENGTH = 8;
/** Of a secret, so much decides how each of its spellings begins. */
const DECISIVE_LENGTH = 12;
const ENCODER = new TextEncoder();

/** Replaces secrets in a text. */
export type ScrubSecrets = (text: string) => string;

export interface ScrubOptions {
  /**
   * Whether a secret is also found when a text has only its beginning. Not in what a client gets of a request, where it would tell
   * whether a guess begins as a secret does.
   */
  readonly findsCut: boolean;
}

/** @param secrets that are found as they are, and as they are spelled in JSON, URLs and base64, beside all that has the form of a secret */
export function createScrubber(
  secrets: readonly string[],
  { findsCut }: ScrubOptions,
): ScrubSecrets {
  const known = [...new Set(secrets.flatMap(toSpellings))]
    .filter(({ length }) => length >= MIN_LENGTH)
    // One that contains another goes first.
    .sort((a, b) => b.length - a.length);
  const byBeginning = Map.groupBy(known, beginningOf);
  return (text) => {
    let scrubbed = text;
    if (findsCut)
      for (const [beginning, all] of byBeginning) scrubbed = removeCut(scrubbed, beginning, all);
    else for (const secret of known) scrubbed = scrubbed.replaceAll(secret, HIDDEN);
    for (const form of FORMS) scrubbed = scrubbed.replace(form, HIDDEN);
    return scrubbed.replace(DOTTED, removeTokens);
  };
}

/** In time proportional to the text, which one expression for a token is not: a client may repeat how one begins. */
function removeTokens(dotted: string): string {
  const parts = dotted.split(".");
  const kept: string[] = [];
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] ?? "";
    const at = index < parts.length - 1 ? part.search(TOKEN_HEADER) : -1;
    kept.push(at === -1 ? part : part.slice(0, at) + HIDDEN);
    if (at !== -1) index += TOKEN_PARTS;
  }
  return kept.join(".");
}

/** So much of a secret is no accident. */
function beginningOf(secret: string): string {
  return secret.slice(0, MIN_LENGTH);
}

/**
 * Whether one of the secrets, or its beginning, is in the text: what {@link createScrubber} finds that `findsCut`, without its other work
 * for a text that is looked at once.
 */
export function hasBeginning(text: string, secrets: readonly string[]): boolean {
  return secrets.some((secret) =>
    toSpellings(secret.slice(0, DECISIVE_LENGTH)).some(
      (spelling) => spelling.length >= MIN_LENGTH && text.includes(beginningOf(spelling)),
    ),
  );
}

/** Replaces as much as there is of a secret with this beginning. */
function removeCut(text: string, beginning: string, secrets: readonly string[]): string {
  let result = "";
  let rest = 0;
  for (let at = text.indexOf(beginning); at !== -1; at = text.indexOf(beginning, rest)) {
    result += text.slice(rest, at) + HIDDEN;
    rest = at + Math.max(...secrets.map((secret) => commonLength(text, at, secret)));
  }
  return result + text.slice(rest);
}

/** How many characters of the text from there on are those of the secret. */
function commonLength(text: string, at: number, secret: string): number {
  let length = 0;
  while (length < secret.length && text[at + length] === secret[length]) length++;
  return length;
}

function toSpellings(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  // The last character depends on what follows.
  const base64 = encodeBase64(ENCODER.encode(secret)).replace(/.?=+$/, "");
  const base64Url = base64.replaceAll("+", "-").replaceAll("/", "_");
  const unpadded = secret.replace(/=+$/, "");
  return [secret, unpadded, json, encodeURIComponent(secret.toWellFormed()), base64, base64Url];
}

/** The value with what `scrub` makes of each text in it, for values of JSON. */
export function scrubTexts(value: unknown, scrub: ScrubSecrets): unknown {
  if (typeof value === "string") return scrub(value);
  if (Array.isArray(value)) return value.map((each) => scrubTexts(each, scrub));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [scrub(name), scrubTexts(each, scrub)]),
  );
}

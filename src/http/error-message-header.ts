/** Long messages are in the body. */
const MAX_LENGTH = 500;

/**
 * A message as the value of a header, which is printable ASCII: other characters become escapes as in JSON. Clients of Hugging
 * Face show `x-error-message` (`hf_raise_for_status` of huggingface_hub), not the body of an error.
 */
export function toHeaderText(message: string): string {
  const ascii = message
    .slice(0, MAX_LENGTH)
    .replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return ascii.length > MAX_LENGTH ? `${ascii.slice(0, MAX_LENGTH)}...` : ascii;
}

/** A text in quotes as `quote` writes it, or a number of several digits. */
const QUOTED = /"((?:[^"\\]|\\.)*?)(?:\.\.\.)?"|-?\d[\d.]{4,}(?:e[+-]?\d+)?/gi;
const FIELD_NAME = /"(?:[^"\\]|\\.)*"\s*:/g;
/** Of a larger body, everything quoted counts as its own. */
const MAX_BODY_BYTES = 262_144;
const DECODER = new TextDecoder();

/**
 * The message without what it quotes of the body, which has the client's inputs: proxies log headers, not bodies. The message in
 * the body of the error is whole.
 */
export function withoutInputs(message: string, body: Uint8Array | undefined): string {
  if (!body || body.byteLength === 0) return message;
  // Names of fields are no inputs.
  const text =
    body.byteLength <= MAX_BODY_BYTES ? DECODER.decode(body).replace(FIELD_NAME, "") : undefined;
  return message.replace(QUOTED, (whole, quoted: string | undefined) => {
    const value = quoted ?? whole;
    if (value === "" || (text !== undefined && !text.includes(value))) return whole;
    return quoted === undefined ? "..." : '"..."';
  });
}

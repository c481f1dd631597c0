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

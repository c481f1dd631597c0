import { encodeBase64 } from "../shared/base64.ts";

/** RFC 4648, section 5, without padding; for some kilobytes. */
export function toBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

import { parseDictionary } from "structured-headers";
import { ApiError } from "../domain/errors.ts";
import { toHex } from "../shared/hex.ts";
import { quote } from "../shared/quote.ts";

/** Of a whole file, and of what one request contains of it (RFC 9530). */
type DigestField = "repr-digest" | "content-digest";

const ALGORITHM = "sha-256";
const DIGEST_BYTES = 32;

/**
 * The SHA-256 in an integrity field, in hexadecimal; `undefined` without the field.
 * @throws ApiError `invalid_request` for a field that is not valid, and for one without `sha-256`, which would not be checked
 */
export function parseDigestField(
  field: DigestField,
  value: string | undefined,
): string | undefined {
  if (value === undefined) return undefined;
  const digest = readDigest(value);
  if (digest) return toHex(digest);
  throw new ApiError(
    "invalid_request",
    `The header ${field} must have the SHA-256 in base64 between colons, as in ${field}: ${ALGORITHM}=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=: (RFC 9530); got ${quote(value)}.`,
    { details: { header: field } },
  );
}

function readDigest(value: string): Uint8Array | undefined {
  let members: ReturnType<typeof parseDictionary>;
  try {
    members = parseDictionary(value);
  } catch {
    return undefined;
  }
  const [bytes] = members.get(ALGORITHM) ?? [];
  if (!(bytes instanceof ArrayBuffer) || bytes.byteLength !== DIGEST_BYTES) return undefined;
  return new Uint8Array(bytes);
}

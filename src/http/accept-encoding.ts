export type ResponseCoding = "gzip" | "deflate" | "identity";

/** What the service can send; the first of those that the client prefers equally is used. */
const CODINGS: readonly ResponseCoding[] = ["gzip", "deflate", "identity"];
const QUALITY = /;\s*q=([01](?:\.\d{0,3})?)\s*$/i;

/**
 * The coding of a response that the client prefers (RFC 9110, section 12.5.3). `identity` is acceptable unless it is
 * excluded, but without a quality value of its own it comes after the codings that are listed.
 * @param header `accept-encoding`
 * @param isWorthwhile false if the response is too small to be compressed, unless `identity` is excluded
 */
export function chooseCoding(header: string | undefined, isWorthwhile: boolean): ResponseCoding {
  if (!header || (!isWorthwhile && !mayExcludeIdentity(header))) return "identity";
  const qualities = parseQualities(header);
  const others = qualities.get("*");
  const identity = qualities.get("identity") ?? (others === 0 ? 0 : Number.MIN_VALUE);
  if (!isWorthwhile && identity > 0) return "identity";
  let best: ResponseCoding = "identity";
  let highest = 0;
  for (const coding of CODINGS) {
    const quality =
      coding === "identity"
        ? identity
        : (qualities.get(coding) ?? qualities.get(`x-${coding}`) ?? others ?? 0);
    if (quality <= highest) continue;
    best = coding;
    highest = quality;
  }
  // Nothing acceptable is left: the response is sent as it is, which clients can read more likely than a refusal.
  return best;
}

/** Cheaper than parsing the header, for small responses. */
function mayExcludeIdentity(header: string): boolean {
  return /(?:identity|\*)\s*;/i.test(header);
}

function parseQualities(header: string): Map<string, number> {
  const items = header.toLowerCase().split(",");
  return new Map(
    items.map((item) => [
      item.split(";", 1)[0]?.trim() ?? "",
      Number(QUALITY.exec(item)?.[1] ?? 1),
    ]),
  );
}

/** One range of media types of an `Accept` header. */
interface MediaRange {
  readonly type: string;
  readonly subtype: string;
  readonly quality: number;
}

const QUALITY = /;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)/i;
/** Of a header that names more, the others do not count. */
const MAX_RANGES = 50;

/**
 * The media type that the client prefers (RFC 9110, section 12.5.1), of those that there are.
 * @param header `accept`
 * @param offered the first one is sent where the client accepts all of them equally, and where it accepts none: clients can read it more
 *   likely than a refusal
 */
export function preferredType<T extends string>(
  header: string | undefined,
  offered: readonly [T, ...T[]],
): T {
  const [fallback, ...others] = offered;
  if (!header) return fallback;
  const ranges = header.split(",", MAX_RANGES).map(parseRange);
  let best: T = fallback;
  let highest = qualityOf(fallback, ranges);
  for (const type of others) {
    const quality = qualityOf(type, ranges);
    if (quality <= highest) continue;
    best = type;
    highest = quality;
  }
  return highest > 0 ? best : fallback;
}

function parseRange(text: string): MediaRange {
  const [type = "", subtype = ""] = (text.split(";", 1)[0] ?? "").trim().toLowerCase().split("/");
  return { type, subtype, quality: Number(QUALITY.exec(text)?.[1] ?? 1) };
}

/** By the most specific range that has the type. */
function qualityOf(mediaType: string, ranges: readonly MediaRange[]): number {
  const [type, subtype] = mediaType.split("/");
  const fits = [
    (range: MediaRange) => range.type === type && range.subtype === subtype,
    (range: MediaRange) => range.type === type && range.subtype === "*",
    (range: MediaRange) => range.type === "*" && range.subtype === "*",
  ];
  for (const fit of fits) {
    const range = ranges.find(fit);
    if (range) return range.quality;
  }
  return 0;
}

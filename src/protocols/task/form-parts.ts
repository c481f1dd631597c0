/** RFC 2046, section 5.1.1: a boundary follows two hyphens at the beginning of a line. */
const BOUNDARY = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i;
const LINE_FEED = 0x0a;

/**
 * Counts the parts of a multipart body in one pass, without parsing them: the occurrences of its boundary. Stops when there
 * are more than `limit`.
 * @returns 0 if the content type has no boundary
 */
export function countParts(contentType: string, body: Uint8Array, limit: number): number {
  const [, quoted, bare] = BOUNDARY.exec(contentType) ?? [];
  const name = quoted ?? bare;
  if (name === undefined) return 0;
  const boundary = new TextEncoder().encode(`--${name}`);
  let count = 0;
  let isLineStart = true;
  for (let at = 0; at < body.byteLength && count <= limit + 1; at++) {
    if (isLineStart && startsAt(body, at, boundary)) count += 1;
    isLineStart = body[at] === LINE_FEED;
  }
  // The last boundary ends the form.
  return Math.max(0, count - 1);
}

function startsAt(body: Uint8Array, start: number, expected: Uint8Array): boolean {
  for (let at = 0; at < expected.byteLength; at++)
    if (body[start + at] !== expected[at]) return false;
  return true;
}

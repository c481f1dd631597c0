/**
 * An HTTP/1.1 request, valid or not. Target and headers are strings of bytes: each character is one byte
 * (`toByteString` makes them of text).
 */
export interface FuzzRequest {
  readonly method: string;
  /** What the request line contains as the path. */
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: Uint8Array | undefined;
  /**
   * `length` (default) adds `content-length`, `chunked` sends the body in chunks, and `given` adds nothing, so that the
   * headers may declare another length than that of the body.
   */
  readonly framing?: "length" | "chunked" | "given" | undefined;
  /** Of the chunks of `chunked`. */
  readonly chunkBytes?: number | undefined;
  /** The client closes the connection after so many bytes of the message. */
  readonly leaveAfterBytes?: number | undefined;
}

const CHUNK_BYTES = 1000;
/** A body in smaller chunks than these would take longer to send than to handle. */
const MOST_CHUNKS = 3000;
const TARGET = /^\/[\x21-\x22\x24-\x7e]*$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const FRAMING_HEADERS = /^(content-length|transfer-encoding|expect|connection|upgrade|host)$/i;

/** Text as the bytes of UTF-8, one character a byte. */
export function toByteString(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** A request with a body of this type. */
export function post(
  target: string,
  contentType: string | undefined,
  body: Uint8Array | string,
  headers: FuzzRequest["headers"] = [],
): FuzzRequest {
  return {
    method: "POST",
    target,
    headers: contentType === undefined ? headers : [["content-type", contentType], ...headers],
    body: typeof body === "string" ? Buffer.from(body) : body,
  };
}

/** Whether the request is valid HTTP from a client that waits, so that a response is due. */
export function isAnswerDue(request: FuzzRequest): boolean {
  const { method, target, headers, framing, leaveAfterBytes } = request;
  return (
    framing !== "given" &&
    leaveAfterBytes === undefined &&
    TOKEN.test(method) &&
    method !== "CONNECT" &&
    TARGET.test(target) &&
    headers.every(
      ([name, value]) =>
        TOKEN.test(name) && !FRAMING_HEADERS.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value),
    )
  );
}

/** The bytes of the message. */
export function serialize(request: FuzzRequest): Uint8Array {
  const { method, target, headers, body, framing = "length", chunkBytes = CHUNK_BYTES } = request;
  const hasBody = body !== undefined && (body.length > 0 || !/^(GET|HEAD)$/.test(method));
  const lines = [`${method} ${target} HTTP/1.1`];
  if (!headers.some(([name]) => name.toLowerCase() === "host")) lines.push("host: fuzz");
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  if (hasBody && framing === "length") lines.push(`content-length: ${body.length}`);
  if (hasBody && framing === "chunked") lines.push("transfer-encoding: chunked");
  const head = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  if (!hasBody) return head;
  return Buffer.concat([head, ...(framing === "chunked" ? toChunks(body, chunkBytes) : [body])]);
}

function toChunks(body: Uint8Array, chunkBytes: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const step = Math.max(chunkBytes, Math.ceil(body.length / MOST_CHUNKS));
  for (let offset = 0; offset < body.length; offset += step) {
    const chunk = body.subarray(offset, offset + step);
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n"));
  }
  parts.push(Buffer.from("0\r\n\r\n"));
  return parts;
}

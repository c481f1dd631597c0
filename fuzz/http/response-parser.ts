/** A response that was read to its end. */
export interface Answer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Whether the server closes the connection after this response. */
  readonly closes: boolean;
}

export interface ResponseParser {
  /** Whether a byte of the response has arrived. */
  readonly begun: boolean;
  /** @returns the response when it is complete @throws Error when it is not HTTP/1.1 */
  push(chunk: Buffer): Answer | undefined;
  /** The connection has ended, which completes a body without a length. */
  end(): Answer | undefined;
}

interface Head {
  readonly status: number;
  readonly headers: Record<string, string>;
}

/** Parses one response (RFC 9112), strictly: a server that is wrong here is a finding. */
export function createResponseParser(method: string): ResponseParser {
  let bytes: Buffer = Buffer.alloc(0);
  let head: Head | undefined;
  let begun = false;

  function complete(body: Buffer, { status, headers }: Head): Answer {
    return { status, headers, body, closes: /close/i.test(headers.connection ?? "") };
  }

  function parse(): Answer | undefined {
    while (!head) {
      const end = bytes.indexOf("\r\n\r\n");
      if (end === -1) return undefined;
      const parsed = parseHead(bytes.toString("latin1", 0, end));
      bytes = bytes.subarray(end + 4);
      if (parsed.status >= 200) head = parsed;
    }
    const { status, headers } = head;
    if (method === "HEAD" || status === 204 || status === 304)
      return complete(Buffer.alloc(0), head);
    if (/chunked/i.test(headers["transfer-encoding"] ?? "")) {
      const body = parseChunks(bytes);
      return body && complete(body, head);
    }
    const length = headers["content-length"];
    if (length === undefined || bytes.length < Number(length)) return undefined;
    return complete(bytes.subarray(0, Number(length)), head);
  }

  return {
    get begun() {
      return begun;
    },
    push(chunk) {
      begun = true;
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      return parse();
    },
    end() {
      if (!head || "content-length" in head.headers || "transfer-encoding" in head.headers)
        return undefined;
      return { ...complete(bytes, head), closes: true };
    },
  };
}

function parseHead(text: string): Head {
  const [statusLine = "", ...lines] = text.split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
  if (!status) throw new Error(`not a status line: ${JSON.stringify(statusLine.slice(0, 100))}`);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`not a header: ${JSON.stringify(line.slice(0, 100))}`);
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status, headers };
}

/** @returns the body when its last chunk has arrived */
function parseChunks(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let offset = 0; ; ) {
    const end = bytes.indexOf("\r\n", offset);
    if (end === -1) return undefined;
    const line = bytes.toString("latin1", offset, end);
    const size = /^[0-9a-f]+/i.test(line) ? Number.parseInt(line, 16) : Number.NaN;
    if (Number.isNaN(size))
      throw new Error(`not a chunk size: ${JSON.stringify(line.slice(0, 100))}`);
    const next = end + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    offset = next;
  }
}

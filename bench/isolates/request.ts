import { Agent, request as startRequest } from "node:http";

/** A POST, or a GET without a body. */
export interface RequestSpec {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface TimedResponse {
  /** From the start of the request to the end of the response. */
  readonly elapsedMs: number;
  /** To the first byte of the response's body. */
  readonly firstByteMs: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

const agent = new Agent({ keepAlive: true });

/** @throws Error when the status is not 200 */
export function send(
  origin: URL,
  { path, headers = {}, body }: RequestSpec,
): Promise<TimedResponse> {
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    const sinceStart = (): number => performance.now() - startMs;
    const options = {
      agent,
      method: body === undefined ? "GET" : "POST",
      headers: body === undefined ? headers : { ...headers, "content-length": sizeOf(body) },
    };
    const started = startRequest(new URL(path, origin).href, options, (response) => {
      const chunks: Buffer[] = [];
      let firstByteMs = 0;
      response.on("error", reject);
      response.on("data", (chunk: Buffer) => {
        if (chunks.length === 0) firstByteMs = sinceStart();
        chunks.push(chunk);
      });
      response.on("end", () => {
        const elapsedMs = sinceStart();
        const text = Buffer.concat(chunks);
        if (response.statusCode === 200)
          return resolve({ elapsedMs, firstByteMs, headers: response.headers, body: text });
        reject(new Error(`${path} responded ${response.statusCode}: ${text.subarray(0, 500)}`));
      });
    });
    started.on("error", reject);
    started.end(body);
  });
}

function sizeOf(body: Uint8Array | string): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
}

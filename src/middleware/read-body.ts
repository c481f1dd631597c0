import type { Context } from "hono";
import { ApiError } from "../domain/errors.ts";
import type { AppEnv } from "./context.ts";

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

/**
 * The request's body, of which no more than `maxBytes` is ever held: it is counted while it is read,
 * whatever the header says.
 * @throws ApiError `body_too_large`, `empty_body`, `unsupported_media_type`
 */
export async function readBody(c: Context<AppEnv>, maxBytes: number): Promise<Uint8Array> {
  const trace = c.get("trace");
  return trace.measureAsync("body", async () => {
    const encoding = c.req.header("content-encoding");
    if (encoding && encoding !== "identity")
      throw new ApiError(
        "unsupported_media_type",
        `Bodies with content-encoding ${JSON.stringify(encoding)} are not accepted: send the body as it is.`,
      );
    const { body } = c.req.raw;
    if (!body) throw emptyBody();
    if (Number(c.req.header("content-length") ?? 0) > maxBytes) {
      await body.cancel();
      throw tooLarge(maxBytes);
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) {
      trace.bytesIn += chunk.byteLength;
      // Leaving the loop cancels the stream, so the rest is not read.
      if (trace.bytesIn > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
    if (trace.bytesIn === 0) throw emptyBody();
    return concatenate(chunks, trace.bytesIn);
  });
}

/**
 * {@link readBody} as JSON.
 * @throws ApiError `invalid_json` that says where the text stops being JSON
 */
export async function readJson(c: Context<AppEnv>, maxBytes: number): Promise<unknown> {
  const bytes = await readBody(c, maxBytes);
  return c.get("trace").measure("decode", () => {
    try {
      return JSON.parse(DECODER.decode(bytes));
    } catch (cause) {
      const why = cause instanceof SyntaxError ? cause.message : "it is not UTF-8";
      throw new ApiError("invalid_json", `The body is not JSON: ${why}.`, { cause });
    }
  });
}

function concatenate(chunks: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const [only] = chunks;
  if (only && chunks.length === 1) return only;
  const whole = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

function emptyBody(): ApiError {
  return new ApiError("empty_body", "The body is empty: send a JSON object.");
}

function tooLarge(maxBytes: number): ApiError {
  return new ApiError("body_too_large", `The body is larger than the limit of ${maxBytes} bytes.`, {
    details: { limitBytes: maxBytes },
  });
}

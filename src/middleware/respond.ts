import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AppEnv } from "./context.ts";

const ENCODER = new TextEncoder();

export interface RespondOptions {
  readonly status?: ContentfulStatusCode;
  readonly contentType?: string;
}

/** Answers with a text whose length is counted for the event and sent as `content-length`. */
export function respond(
  c: Context<AppEnv>,
  text: string,
  { status = 200, contentType = "application/json" }: RespondOptions = {},
): Response {
  const body = ENCODER.encode(text) as Uint8Array<ArrayBuffer>;
  c.get("trace").bytesOut = body.byteLength;
  return c.body(body, status, { "content-type": contentType });
}

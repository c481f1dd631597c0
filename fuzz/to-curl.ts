import type { FuzzRequest } from "./http/request.ts";

const MOST_CHARACTERS = 300;

/** A request as a command, for people to read: a body that is long or not text is left out. */
export function toCurl({
  method,
  target,
  headers,
  body,
  framing,
  leaveAfterBytes,
}: FuzzRequest): string {
  const parts = ["curl -s -X", method, quote(`http://127.0.0.1:8787${target}`)];
  for (const [name, value] of headers) parts.push("-H", quote(`${name}: ${value}`));
  if (body && body.length > 0) parts.push("--data-binary", describeBody(Buffer.from(body)));
  if (framing === "chunked") parts.push("# in chunks");
  if (leaveAfterBytes !== undefined) parts.push(`# closed after ${leaveAfterBytes} bytes`);
  return parts.join(" ");
}

function describeBody(body: Buffer): string {
  const text = body.toString();
  const printable = !/[^\x20-\x7e\n]/.test(text);
  if (printable && text.length <= MOST_CHARACTERS) return quote(text);
  return `@body # ${body.length} bytes${printable ? `: ${text.slice(0, MOST_CHARACTERS)}` : ""}`;
}

function quote(text: string): string {
  if (text.length > MOST_CHARACTERS) return quote(`${text.slice(0, MOST_CHARACTERS - 3)}...`);
  return `'${text.replaceAll("'", "'\\''")}'`;
}

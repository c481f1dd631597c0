import { connect, type Socket } from "node:net";

/**
 * A POST of JSON over a socket of its own, so that its client can disconnect at any time.
 * @param headers with a `content-length` of their own the body may be declared longer than it is
 */
export async function beginPost(
  origin: string,
  path: string,
  value: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Socket> {
  const body = JSON.stringify(value);
  const socket = await open(origin);
  const all = { "content-length": String(Buffer.byteLength(body)), ...headers };
  socket.write(
    [
      `POST ${path} HTTP/1.1`,
      "host: localhost",
      "content-type: application/json",
      ...Object.entries(all).map(([name, text]) => `${name}: ${text}`),
      "",
      body,
    ].join("\r\n"),
  );
  return socket;
}

/**
 * Resolves when the server begins to read the body of a request with `expect: 100-continue` (RFC 9110, section 10.1.1).
 * @throws Error with what the server sends instead
 */
export function bodyIsRead(socket: Socket): Promise<void> {
  return new Promise((read, failed) => {
    socket.once("data", (bytes) => {
      const text = bytes.toString();
      if (text.startsWith("HTTP/1.1 100 ")) read();
      else failed(new Error(`the body is not read: ${text}`));
    });
    socket.once("error", failed);
  });
}

/** A PUT of which only the beginning is sent, independent of its `content-length`. */
export async function beginPut(
  origin: string,
  path: string,
  {
    authorization,
    beginning,
    sizeBytes,
  }: {
    readonly authorization: string;
    readonly beginning: Uint8Array;
    readonly sizeBytes: number;
  },
): Promise<Socket> {
  const socket = await open(origin);
  socket.write(
    [
      `PUT ${path} HTTP/1.1`,
      "host: localhost",
      `authorization: ${authorization}`,
      `content-length: ${sizeBytes}`,
      "",
      "",
    ].join("\r\n"),
  );
  await new Promise<void>((sent, failed) =>
    socket.write(beginning, (error) => (error ? failed(error) : sent())),
  );
  return socket;
}

/** The response to a request that need not be complete; its body must be JSON. */
export async function readResponse(socket: Socket): Promise<{ status: number; body: unknown }> {
  let text = "";
  for await (const chunk of socket.setEncoding("utf8")) {
    text += chunk;
    const [head = "", body = ""] = text.split("\r\n\r\n");
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? Number.NaN);
    if (Buffer.byteLength(body) >= length)
      return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), body: JSON.parse(body) };
  }
  throw new Error(`the connection ended after ${JSON.stringify(text)}`);
}

function open(origin: string): Promise<Socket> {
  const { hostname, port } = new URL(origin);
  return new Promise((opened, failed) => {
    const socket = connect(Number(port), hostname, () => opened(socket));
    socket.once("error", failed);
  });
}

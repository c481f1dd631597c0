import { connect, type Socket } from "node:net";
import { type FuzzRequest, isAnswerDue, serialize } from "./request.ts";
import { type Answer, createResponseParser } from "./response-parser.ts";

/** What a request led to. `refused`: nothing listens; `closed`: the connection ended without a complete response. */
export type Exchange =
  | { readonly kind: "answer"; readonly answer: Answer; readonly milliseconds: number }
  | { readonly kind: "refused" | "closed" | "timeout" | "left" }
  | { readonly kind: "malformed"; readonly problem: string };

/** Sends one request after the other, on one connection as long as it lasts. */
export interface Connection {
  exchange(request: FuzzRequest): Promise<Exchange>;
  close(): void;
}

export interface ConnectionOptions {
  readonly port: number;
  /** The longest time until a response is complete. */
  readonly timeoutMs: number;
}

/** How long a client that leaves waits, so that the server sees what it has sent. */
const LEAVE_AFTER_MS = 2;
/** A request that is not valid HTTP may wait for more bytes, which never come. */
const NOT_DUE_TIMEOUT_MS = 250;

/** As node:events declares listeners of any event. */
// biome-ignore lint/suspicious/noExplicitAny: the arguments depend on the event
type Listener = (...args: any[]) => void;

export function createConnection({ port, timeoutMs }: ConnectionOptions): Connection {
  let idle: Socket | undefined;

  async function exchange(request: FuzzRequest): Promise<Exchange> {
    const reused = idle !== undefined && !idle.destroyed;
    const socket = reused && idle ? idle : open(port);
    idle = undefined;
    const { result, begun } = await send(socket, request, timeoutMs);
    if (result.kind === "answer" && !result.answer.closes && isAnswerDue(request)) {
      idle = socket;
      return result;
    }
    socket.destroy();
    // RFC 9112, section 9.3.1: the server may close an idle connection while the request is on its way.
    if (result.kind === "closed" && reused && !begun) return exchange(request);
    return result;
  }

  return { exchange, close: () => idle?.destroy() };
}

function open(port: number): Socket {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  // A reset of an idle connection must not end this process.
  return socket.on("error", () => {});
}

function send(
  socket: Socket,
  request: FuzzRequest,
  timeoutMs: number,
): Promise<{ result: Exchange; begun: boolean }> {
  const parser = createResponseParser(request.method);
  const message = serialize(request);
  const { leaveAfterBytes } = request;
  const start = performance.now();
  return new Promise((resolve) => {
    const limit = isAnswerDue(request) ? timeoutMs : NOT_DUE_TIMEOUT_MS;
    const timer = setTimeout(() => finish({ kind: "timeout" }), limit);
    const finish = (result: Exchange): void => {
      clearTimeout(timer);
      for (const [event, listener] of listeners) socket.off(event, listener);
      resolve({ result, begun: parser.begun });
    };
    const advance = (next: () => Answer | undefined): boolean => {
      try {
        const answer = next();
        if (!answer) return false;
        finish({ kind: "answer", answer, milliseconds: performance.now() - start });
      } catch (error) {
        finish({ kind: "malformed", problem: (error as Error).message });
      }
      return true;
    };
    const listeners: readonly (readonly [string, Listener])[] = [
      ["data", (chunk: Buffer) => advance(() => parser.push(chunk))],
      ["end", () => advance(() => parser.end()) || finish({ kind: "closed" })],
      ["close", () => finish({ kind: "closed" })],
      [
        "error",
        ({ code }: NodeJS.ErrnoException) =>
          finish({ kind: code === "ECONNREFUSED" ? "refused" : "closed" }),
      ],
    ];
    for (const [event, listener] of listeners) socket.on(event, listener);
    if (leaveAfterBytes === undefined) {
      socket.write(message);
      return;
    }
    socket.write(message.subarray(0, leaveAfterBytes), () =>
      setTimeout(() => {
        socket.destroy();
        finish({ kind: "left" });
      }, LEAVE_AFTER_MS),
    );
  });
}

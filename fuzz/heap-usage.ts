/** Reads how much memory the Worker's isolate uses, by the inspector protocol of V8. */
export interface HeapUsage {
  /**
   * JavaScript objects and the bytes of array buffers after a garbage collection, which also frees what workerd keeps for
   * them, such as closed connections; wasm memories are not counted.
   */
  read(): Promise<number | undefined>;
  close(): void;
}

interface Target {
  readonly id: string;
  readonly webSocketDebuggerUrl: string;
}

interface Reply {
  readonly result?: { readonly usedSize: number; readonly backingStorageSize: number };
}

/** An isolate that computes replies between two requests. */
const REPLY_TIMEOUT_MS = 5000;

/**
 * @param inspectorUrl of Miniflare, which lists an isolate for each Worker and simulated binding
 * @throws Error when the Worker's isolate is not among them
 */
export async function watchHeap(inspectorUrl: URL): Promise<HeapUsage> {
  const listUrl = new URL("/json/list", inspectorUrl);
  listUrl.protocol = "http:";
  const targets = (await (await fetch(listUrl)).json()) as readonly Target[];
  const target = targets.find(({ id }) => id.startsWith("core:user:"));
  if (!target)
    throw new Error(`no isolate of a Worker in ${targets.map(({ id }) => id).join(", ")}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((opened, failed) => {
    socket.addEventListener("open", opened, { once: true });
    socket.addEventListener("error", failed, { once: true });
  });
  const waiting = new Map<number, (reply: Reply) => void>();
  socket.addEventListener("message", ({ data }) => {
    const { id, ...reply } = JSON.parse(String(data)) as Reply & { readonly id: number };
    waiting.get(id)?.(reply);
    waiting.delete(id);
  });
  let lastId = 0;

  /** @returns an empty reply when the isolate does not reply in time */
  async function call(method: string): Promise<Reply> {
    if (socket.readyState !== WebSocket.OPEN) return {};
    const id = ++lastId;
    const reply = new Promise<Reply>((resolve) => {
      waiting.set(id, resolve);
      setTimeout(() => resolve({}), REPLY_TIMEOUT_MS).unref();
    });
    socket.send(JSON.stringify({ id, method }));
    return reply.finally(() => waiting.delete(id));
  }

  return {
    async read() {
      await call("HeapProfiler.collectGarbage");
      const { result } = await call("Runtime.getHeapUsage");
      return result && result.usedSize + result.backingStorageSize;
    },
    close: () => socket.close(),
  };
}

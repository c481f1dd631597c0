import { connect } from "cloudflare:sockets";
import type { Socket } from "node:net";
import { RIGHT } from "./replies.ts";
import type { HostileSession } from "./session.ts";

export interface Attempts {
  /** A server that answers everybody. */
  readonly origin: string;
  /** Files to open. */
  readonly paths: readonly string[];
  /** Entries of the cache to read and to write. */
  readonly keys: readonly string[];
  readonly env: object;
  readonly context: object;
  readonly session: HostileSession;
  /** A session of a call that has ended. */
  readonly kept: HostileSession | undefined;
}

/** What came of each attempt: a description of what was got, or `error: ...`. */
export type Reached = Readonly<Record<string, string>>;

/** Names that no session has. */
const METHODS = [
  "constructor",
  "report",
  "call",
  "asked",
  "#asked",
  "target",
  "env",
  "store",
  "replied",
  "end",
  "left",
  "hasOwnProperty",
  "toString",
  "valueOf",
  "__proto__",
  "__defineGetter__",
  "isPrototypeOf",
  "fetch",
  "connect",
];

/** Tries all that an isolate of a model must not be able to do. */
export async function reach(attempts: Attempts): Promise<Reached> {
  const { origin, paths, keys, env, context, session, kept } = attempts;
  const found: Record<string, string> = {};
  const attempt = async (what: string, work: () => unknown): Promise<void> => {
    try {
      found[what] = tell(await within(work));
    } catch (error) {
      found[what] = `error: ${error instanceof Error ? error.message : error}`;
    }
  };
  const { hostname, port } = new URL(origin);

  await attempt("env", () => Object.keys(env).join());
  await attempt("exports", () => Object.keys(Object(Reflect.get(context, "exports"))).join());
  await attempt("props", () => JSON.stringify(Reflect.get(context, "props") ?? {}));
  await attempt("process", () => Object.keys(Reflect.get(globalThis, "process")?.env ?? {}).join());
  await attempt("fetch", async () => (await fetch(origin)).status);
  await attempt("fetch of the internet", async () => (await fetch("https://example.com")).status);
  await attempt("socket", () => connect({ hostname, port: Number(port) }).opened);
  await attempt("web socket", () => opened(new WebSocket(origin.replace("http", "ws"))));
  await attempt("cache", () => caches.default.put(`${origin}/a`, new Response("a")));
  await attempt("named cache", async () => (await caches.open("a")).match(`${origin}/a`));
  const { readFileSync, readdirSync } = (await node("fs")) as typeof import("node:fs");
  await attempt("file of the machine", () => readFileSync("/etc/passwd", "utf8"));
  await attempt("files", () => readdirSync("/").join());
  const net = (await node("net")) as typeof import("node:net");
  await attempt("socket of Node", () => connected(net.connect(Number(port), hostname)));
  await attempt("eval", () => new Function("return 1")());

  for (const path of paths)
    await attempt(`open ${path}`, async () => tellFile(await session.open(path)));
  await attempt("open a list", () => session.open(["model.onnx"]));
  await attempt("open an object", () => session.open({ toString: () => "model.onnx" }));
  await attempt("manifest", async () => (await session.manifest("other", "1")).name);
  for (const name of METHODS) {
    // The stub's own, such as `toString`.
    if (Reflect.get(session, name) === Reflect.get(Object.prototype, name)) continue;
    await attempt(`session.${name}`, () => Reflect.get(session, name)("x"));
    await attempt(`session.open.${name}`, () =>
      Reflect.get(Reflect.get(session, "open"), name)("x"),
    );
  }

  await attempt("no run", () => session.runCached(keys.at(-1), ["y"], "a"));
  for (const key of keys) {
    await attempt(`read ${key}`, () => session.runCached(key, ["y"], () => RIGHT.run(666)));
    await attempt(`keyed ${key}`, () => session.runCached([key], ["y"], () => RIGHT.run(666)));
  }
  await attempt("all outputs", () =>
    session.runCached(keys.at(-1), ["constructor"], () => RIGHT.run(666)),
  );

  if (kept) {
    for (const path of paths)
      await attempt(`kept ${path}`, async () => tellFile(await kept.open(path)));
    await attempt("kept manifest", async () => (await kept.manifest()).name);
    for (const key of keys)
      await attempt(`kept ${key}`, () => kept.runCached(key, ["y"], () => RIGHT.run(666)));
  }
  return found;
}

function opened(socket: WebSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve("open"));
    socket.addEventListener("error", () => reject(new Error("the web socket failed")));
  });
}

/** A module of Node, which workerd has some of. */
function node(name: string): Promise<object> {
  return import(["node", name].join(":"));
}

function connected(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve("connected")).once("error", reject);
  });
}

async function tellFile(reply: Awaited<ReturnType<HostileSession["open"]>>): Promise<string> {
  if ("error" in reply) return `error: ${reply.error.message}`;
  if (!reply.file) return "missing";
  const bytes = await new Response(reply.file.body).bytes();
  return `${bytes.length} bytes`;
}

function tell(value: unknown): string {
  if (typeof value === "string") return value;
  return `${typeof value} ${JSON.stringify(value, (_, field) => (field instanceof Uint8Array ? [...field] : field))}`;
}

const MAX_ATTEMPT_MS = 2000;

/** An attempt that never ends has got nothing. */
function within(work: () => unknown): Promise<unknown> {
  const late = scheduler.wait(MAX_ATTEMPT_MS).then(() => {
    throw new Error("no reply");
  });
  return Promise.race([Promise.resolve(work()), late]);
}

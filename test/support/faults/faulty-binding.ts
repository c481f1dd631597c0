import type { BindingCall, Fault } from "./fault-plan.ts";

/** Decides on the fault of each call. */
export interface Faults {
  next(call: BindingCall): Fault | undefined;
  /** To be told of a call that is never answered. */
  onHang(call: BindingCall): void;
}

type Method = (...args: readonly unknown[]) => Promise<unknown>;

/** A binding, real or in memory, whose calls have the faults that are planned. Without any it behaves as the binding does. */
export function withFaults<T extends object>(binding: T, name: string, faults: Faults): T {
  /** By method and arguments, what was read before. */
  const earlier = new Map<string, unknown>();

  async function call(method: string, target: Method, args: readonly unknown[]): Promise<unknown> {
    const key = keyOf(args);
    const bindingCall = { binding: name, method, key };
    const fault = faults.next(bindingCall);
    const failure = new Error(`${name}.${method} ${key}: ${fault}`);
    const hang = (): Promise<never> => {
      faults.onHang(bindingCall);
      return new Promise(() => undefined);
    };
    switch (fault) {
      case undefined:
        break;
      case "fails":
        throw failure;
      case "hangs":
        return hang();
      case "answer-lost":
        await target(...args);
        throw failure;
      case "unanswered":
        await target(...args);
        return hang();
      case "stale":
        return earlier.get(`${method} ${key}`) ?? emptyOf(method);
      default:
        return spoil(await target(...args), fault, failure, () => faults.onHang(bindingCall));
    }
    if (!earlier.has(`${method} ${key}`) && name !== "MODELS" && /^(get|list)$/.test(method)) {
      const result = await target(...args);
      earlier.set(`${method} ${key}`, structuredClone(result));
      return result;
    }
    return target(...args);
  }

  /** A loader returns its stub at once. */
  function load(method: string, target: Method, args: readonly unknown[]): unknown {
    const key = keyOf(args);
    if (faults.next({ binding: name, method, key }) === undefined) return target(...args);
    throw new Error(`${name}.${method} ${key} fails`);
  }

  return new Proxy(binding, {
    get(target, property) {
      const value = Reflect.get(target, property);
      if (typeof value !== "function") return value;
      const method: Method = value.bind(target);
      if (name === "LOADER") return (...args: unknown[]) => load(String(property), method, args);
      return (...args: unknown[]) => call(String(property), method, args);
    },
  });
}

function keyOf([first]: readonly unknown[]): string {
  if (typeof first === "string") return first;
  if (Array.isArray(first)) return first.join(" ");
  const { prefix = "" } = (first ?? {}) as { readonly prefix?: string };
  return prefix;
}

/** What there was before the first read. */
function emptyOf(method: string): unknown {
  if (method === "list") return { keys: [], list_complete: true };
  return method === "get" ? null : undefined;
}

/** What was read, with a fault in its bytes. */
function spoil(read: unknown, fault: Fault, failure: Error, onStall: () => void): unknown {
  if (read === null || read === undefined) return read;
  if (read instanceof ArrayBuffer) {
    const bytes = new Uint8Array(read.slice(0));
    return (fault === "cut" ? bytes.slice(0, middleOf(bytes)) : flip(bytes)).buffer;
  }
  if (read instanceof Response)
    return new Response(
      spoilStream(read.body as ReadableStream<Uint8Array>, fault, failure, onStall),
    );
  return new Proxy(read as R2ObjectBody, {
    get: (object, property) =>
      property === "body"
        ? spoilStream(object.body, fault, failure, onStall)
        : Reflect.get(object, property),
  });
}

/** The bytes in two chunks, with the fault after the first. */
function spoilStream(
  body: ReadableStream<Uint8Array>,
  fault: Fault,
  failure: Error,
  onStall: () => void,
): ReadableStream<Uint8Array> {
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (bytes === undefined) {
          bytes = new Uint8Array(await new Response(body).arrayBuffer());
          if (fault === "garbled") {
            controller.enqueue(flip(bytes));
            controller.close();
            return;
          }
          if (bytes.byteLength > 1) controller.enqueue(bytes.slice(0, middleOf(bytes)));
          if (bytes.byteLength > 1) return;
        }
        if (fault === "cut") return controller.close();
        if (fault === "breaks") throw failure;
        onStall();
        return new Promise(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

function middleOf({ byteLength }: Uint8Array): number {
  return Math.floor(byteLength / 2);
}

function flip(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const at = middleOf(bytes);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
}

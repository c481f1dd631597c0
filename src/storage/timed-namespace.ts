import { within } from "../shared/within.ts";

/** A KV namespace whose calls end in time, with what KV answers or with `NoAnswer`; a write that ends so may still take effect. */
export function createTimedNamespace(namespace: KVNamespace, timeoutMs: number): KVNamespace {
  return new Proxy(namespace, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => within(value.apply(target, args), timeoutMs);
    },
  });
}

import { parseItem, Token } from "structured-headers";
import type { TestResponse } from "./service.ts";

/** The `Cache-Status` of a response, by a parser of structured fields. */
export function cacheStatus({ headers }: Pick<TestResponse, "headers">): Record<string, unknown> {
  const [name, parameters] = parseItem(headers.get("cache-status") ?? "");
  const plain = (value: unknown): unknown => (value instanceof Token ? value.toString() : value);
  return Object.fromEntries([
    ["cache", plain(name)],
    ...[...parameters].map(([key, value]) => [key, plain(value)]),
  ]);
}

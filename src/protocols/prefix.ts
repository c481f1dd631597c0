import type { Protocol } from "./protocol.ts";

/** One or more segments of characters that no client and no router writes in another way. */
const PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*$/;

/**
 * The path under which the service is mounted, as links begin with it: without a trailing slash, empty for the root.
 * @throws Error
 */
export function parsePrefix(prefix: string): string {
  const path = String(prefix).replace(/\/$/, "");
  if (typeof prefix === "string" && PREFIX.test(path)) return path;
  throw new Error(
    `prefix must be a path such as "/ai", of letters, digits and -._~; got ${JSON.stringify(prefix)}`,
  );
}

/**
 * Whoever routes requests to the service may have removed the prefix from their paths, as Hono's `mount` does, or not.
 * @throws Error for a prefix that cannot be told from the service's own paths
 */
export function refuseOwnPath(prefix: string, protocols: readonly Protocol[]): void {
  const [, first] = prefix.split("/");
  const own = protocols.flatMap(({ basePath, operations }) =>
    operations.map(({ path }) => `${basePath}${path}`.split("/")[1] ?? ""),
  );
  if (first && own.includes(first))
    throw new Error(
      `prefix must not begin as the service's own paths (${[...new Set(own)].filter(Boolean).join(", ")}); got ${prefix}`,
    );
}

export function withoutPrefix(path: string, prefix: string): string {
  if (prefix === "" || !path.startsWith(prefix)) return path;
  const rest = path.slice(prefix.length);
  if (rest === "") return "/";
  return rest.startsWith("/") ? rest : path;
}

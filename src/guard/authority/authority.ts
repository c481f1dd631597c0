import { createKeys, type Keys } from "./keys.ts";
import { migrate } from "./migrations.ts";
import type { AuthorityStorage } from "./storage.ts";

/** What the Durable Object delegates to: each part has its own tables and methods. */
export interface Authority extends Keys {}

export function createAuthority(storage: AuthorityStorage): Authority {
  migrate(storage);
  return { ...createKeys(storage) };
}

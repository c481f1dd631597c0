import type { KeyAuthority } from "../../src/domain/access/key-authority.ts";
import { toOutcomeLater } from "../../src/domain/durable-object/outcome.ts";
import { type Authority, createAuthority } from "../../src/guard/authority/authority.ts";
import { type AuthorityStub, createRemoteAuthority } from "../../src/guard/remote-authority.ts";
import { createTestStorage } from "./sql.ts";

/** The authority of API keys in this process, by way of what crosses to that of a Durable Object. */
export function createLocalAuthority(storage = createTestStorage()): KeyAuthority {
  const authority = createAuthority(storage);
  const stub = new Proxy(authority, {
    get:
      (target, name) =>
      async (...args: never[]) => {
        const method = target[name as keyof Authority] as (...args: never[]) => unknown;
        return structuredClone(await toOutcomeLater(async () => method(...structuredClone(args))));
      },
  });
  return createRemoteAuthority(() => stub as unknown as AuthorityStub);
}

import type { KeyAuthority } from "../domain/access/key-authority.ts";
import type { Outcome } from "../domain/durable-object/outcome.ts";
import { createRemoteObject } from "../domain/durable-object/remote-object.ts";
import { ApiError } from "../domain/errors.ts";

/** A method as it crosses, by its name. */
export type AuthorityStub = {
  readonly [Name in keyof KeyAuthority]: (
    ...args: Parameters<KeyAuthority[Name]>
  ) => Promise<Outcome<Awaited<ReturnType<KeyAuthority[Name]>>>>;
};

/** Longer than the authority ever takes, also when it has to start. */
const TIMEOUT_MS = 5000;

/**
 * The authority of a Durable Object.
 * @param connect makes a stub, which is used for one call: one that has failed stays broken
 */
export function createRemoteAuthority(connect: () => AuthorityStub): KeyAuthority {
  const { call, callAgain } = createRemoteObject({
    connect,
    binding: "KEYS",
    timeoutMs: TIMEOUT_MS,
    unavailable: (cause) =>
      new ApiError(
        "authority_unavailable",
        "The authority of API keys is out of reach. Try again.",
        { cause },
      ),
  });
  return {
    find: (ids) => callAgain((stub) => stub.find(ids)),
    createKey: (...args) => callAgain((stub) => stub.createKey(...args)),
    listKeys: (...args) => callAgain((stub) => stub.listKeys(...args)),
    getKey: (...args) => callAgain((stub) => stub.getKey(...args)),
    updateKey: (...args) => callAgain((stub) => stub.updateKey(...args)),
    rotateKey: (...args) => callAgain((stub) => stub.rotateKey(...args)),
    revokeKey: (...args) => callAgain((stub) => stub.revokeKey(...args)),
    lease: (request) => call((stub) => stub.lease(request)),
    usage: (key) => callAgain((stub) => stub.usage(key)),
    appendAudit: (record) => callAgain((stub) => stub.appendAudit(record)),
    readAudit: (query) => callAgain((stub) => stub.readAudit(query)),
    auditHead: () => callAgain((stub) => stub.auditHead()),
    exportAudit: (keyId) => callAgain((stub) => stub.exportAudit(keyId)),
    eraseAudit: (keyId) => callAgain((stub) => stub.eraseAudit(keyId)),
    exportKey: (id) => callAgain((stub) => stub.exportKey(id)),
    eraseKey: (id) => callAgain((stub) => stub.eraseKey(id)),
  };
}

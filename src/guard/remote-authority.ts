import type { KeyAuthority } from "../domain/access/key-authority.ts";
import { ApiError } from "../domain/errors.ts";
import { settlesWithin } from "../shared/settles-within.ts";
import { fromOutcome, type Outcome } from "./authority/outcome.ts";

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
  async function call<T>(work: (stub: AuthorityStub) => Promise<Outcome<T>>): Promise<T> {
    return fromOutcome(await withinTime(() => work(connect())));
  }

  /** For what may be done twice: the object may have been moved, or restarted with new code, just now. */
  async function callAgain<T>(work: (stub: AuthorityStub) => Promise<Outcome<T>>): Promise<T> {
    return call(work).catch((error: unknown) => {
      if (isTransient(error)) return call(work);
      throw error;
    });
  }

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

/** @throws ApiError `authority_unavailable` */
async function withinTime<T>(work: () => Promise<T>): Promise<T> {
  try {
    const result = work();
    if (await settlesWithin(result, TIMEOUT_MS)) return await result;
    result.catch(() => undefined);
  } catch (cause) {
    throw unavailable(cause);
  }
  throw unavailable(new Error(`the Durable Object KEYS did not answer within ${TIMEOUT_MS} ms`));
}

function unavailable(cause: unknown): ApiError {
  return new ApiError(
    "authority_unavailable",
    "The authority of API keys is out of reach. Try again.",
    { cause },
  );
}

/** What the runtime says of a failure that another attempt may not have; an overloaded object gets none. */
function isTransient(error: unknown): boolean {
  const { retryable, overloaded } = Object((error as ApiError).cause);
  return retryable === true && overloaded !== true;
}

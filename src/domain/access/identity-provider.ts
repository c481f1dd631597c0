import type { WaitUntil } from "../call.ts";
import type { Principal } from "./principal.ts";

/** What a request has by which its client may be identified. */
export interface ShownIdentity {
  /** The header `Authorization`. */
  readonly authorization: string | undefined;
  /** @param name in lower case */
  header(name: string): string | undefined;
  readonly waitUntil: WaitUntil;
}

/** Identifies clients by credentials of one kind that somebody else gave them. */
export interface IdentityProvider {
  /** The party of a header `Authorization` that was identified before, if nothing else is to be done; for the hot path. */
  recall?(authorization: string): Principal | undefined;
  /**
   * @returns `undefined` for a request that has no credential of this kind; a promise only if it has to wait
   * @throws ApiError `unauthorized` for a credential that is not valid, `authority_unavailable`
   */
  identify(shown: ShownIdentity): Principal | Promise<Principal> | undefined;
}

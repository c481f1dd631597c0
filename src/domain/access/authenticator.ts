import type { ShownIdentity } from "./identity-provider.ts";
import type { Principal } from "./principal.ts";
import type { Scope } from "./scope.ts";
import type { OpenedSession } from "./session.ts";

/** What a request has to identify its client by. */
export interface Presented extends ShownIdentity {
  /** The IP address of the client, or `worker` and the zone of a Worker, where it is known. */
  readonly address: string | undefined;
  readonly requestId: string;
}

/** What an operation needs of its client. */
export interface Requirement {
  /** `undefined` where any client will do that is known. */
  readonly scope: Scope | undefined;
  /** Whether nobody in particular may have the scope. */
  readonly allowsAnonymous: boolean;
}

/** Identifies the clients of requests. */
export interface Authenticator {
  /**
   * The client of a request that has nothing but this header, if that is known without further ado: `undefined` means that only
   * {@link Authenticator.identify} can tell.
   */
  recall(authorization: string | undefined): Principal | undefined;
  /**
   * Identifies the client.
   * @param requirement decides whether the client may be unknown
   * @returns a promise only if it has to wait
   * @throws ApiError `unauthorized` for a credential that is not valid, or for none where one is required;
   *   `too_many_attempts`; `authority_unavailable`
   */
  identify(presented: Presented, requirement: Requirement): Principal | Promise<Principal>;
  /**
   * Opens a session for a browser, which ends with the key that was presented. Sessions identify clients only where nobody in particular
   * may be one.
   * @param principal whom the key is of
   * @throws ApiError `forbidden` for who presents no key
   */
  openSession(principal: Principal, authorization: string | undefined): Promise<OpenedSession>;
}

import { API_KEY_PREFIX, keyIdIn } from "../domain/access/api-key.ts";
import type { Authenticator, Presented, Requirement } from "../domain/access/authenticator.ts";
import type { IdentityProvider } from "../domain/access/identity-provider.ts";
import type { KeyAuthority } from "../domain/access/key-authority.ts";
import type { Principal } from "../domain/access/principal.ts";
import { PUBLIC_SCOPES, permits, type Scope } from "../domain/access/scope.ts";
import { ApiError } from "../domain/errors.ts";
import { createGuardEvent } from "../domain/guard-event.ts";
import type { EventSink } from "../domain/ports.ts";
import { equalInConstantTime } from "../shared/equal-in-constant-time.ts";
import { coarseNetworkOf, networkOf } from "../shared/network-of.ts";
import { Guesses } from "./guesses.ts";
import { KeyIdentifier, WrongSecret } from "./key-identifier.ts";
import { invalidKey, UNKNOWN_KEY } from "./key-verdict.ts";
import { admin, anonymous, anonymousWith } from "./principals.ts";
import { SessionIdentifier } from "./sessions/session-identifier.ts";

export interface AuthenticatorOptions {
  /** The secret that permits everything; `undefined` where there is none. */
  readonly adminKey: string | undefined;
  /** Whether anybody may predict. */
  readonly publicPredict: boolean;
  /** `undefined` without the binding of it: then there are no API keys. */
  readonly authority: KeyAuthority | undefined;
  readonly keyGraceSeconds: number;
  /** By which clients are identified that have no key. */
  readonly identityProviders?: readonly IdentityProvider[];
  readonly sink: EventSink;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** The scheme in any case, one or more spaces (RFC 9110, section 11.4), and then the whole key, which may have spaces within. */
const BEARER = /^bearer +(.*)$/is;
/** For the id of a client that is not known, whatever the scheme. */
const SCHEME = /^bearer +/i;

/** Identifies clients by API keys, by the secret `ADMIN_KEY`, by what others say of them, or as anybody. */
export function createAuthenticator({
  adminKey,
  publicPredict,
  authority,
  keyGraceSeconds,
  identityProviders = [],
  sink,
  now = Date.now,
}: AuthenticatorOptions): Authenticator {
  const anybody = anonymous(publicPredict);
  /** Attempts with other texts than keys: they may guess ADMIN_KEY. */
  const guesses = new Guesses();
  /** Attempts with texts of the form of keys. Nobody guesses a key, but each attempt may cost a question to the authority. */
  const keyGuesses = new Guesses();
  /** Networks that have shown ADMIN_KEY: whoever guesses there does not lock the operator out. */
  const adminNetworks = new Set<string | undefined>();
  let administrator: Principal | undefined;

  const report = (fields: Parameters<typeof createGuardEvent>[0]): void =>
    sink.emit(createGuardEvent(fields, now()));
  const keys =
    authority &&
    new KeyIdentifier({
      authority,
      graceMs: keyGraceSeconds * 1000,
      now,
      onOutage: (id, isAccepted) =>
        report({ kind: "authority_unreachable", principal: `key:${id}`, isAccepted }),
      onReachable: () => report({ kind: "authority_reachable" }),
    });

  const sessions = adminKey
    ? new SessionIdentifier({
        adminKey,
        keys,
        administrator: async () => administrator ?? loadAdministrator(adminKey),
        now,
      })
    : undefined;

  /** Counts an attempt that failed, and returns the error for it, or another one if the client has to wait. */
  function refuse(counted: Guesses, text: string, presented: Presented, error: ApiError): ApiError {
    const network = networkIn(presented);
    const waitSeconds = counted.waitSeconds(network, now());
    if (counted.count(network, text, now()))
      report({
        kind: "guesses_slowed",
        requestId: presented.requestId,
        network: network && coarseNetworkOf(network),
      });
    return waitSeconds > 0 ? tooManyAttempts(waitSeconds) : error;
  }

  async function identifyKey(text: string, presented: Presented): Promise<Principal> {
    const id = keyIdIn(text);
    if (id === undefined) throw refuse(guesses, text, presented, invalidKey(WRONG_CHECKSUM));
    if (!keys) throw refuse(keyGuesses, text, presented, invalidKey(NO_KEYS));
    const waitSeconds = keyGuesses.waitSeconds(networkIn(presented), now());
    if (waitSeconds > 0 && !keys.knows(id)) throw tooManyAttempts(waitSeconds);
    const { waitUntil } = presented;
    try {
      return await keys.identify(text, id, { waitUntil, asks: waitSeconds === 0 });
    } catch (error) {
      if (!(error instanceof WrongSecret)) throw error;
      throw refuse(keyGuesses, text, presented, invalidKey(UNKNOWN_KEY));
    }
  }

  function isAdminKey(text: string, presented: Presented): boolean {
    if (!adminKey) return false;
    const network = networkIn(presented);
    // Whether a guess is right must not show while the network has to wait.
    if (guesses.waitSeconds(network, now()) > 0 && !adminNetworks.has(network)) return false;
    if (!equalInConstantTime(text, adminKey)) return false;
    if (adminNetworks.size < MAX_ADMIN_NETWORKS) adminNetworks.add(network);
    return true;
  }

  async function loadAdministrator(key: string): Promise<Principal> {
    administrator = await admin(key);
    return administrator;
  }

  /** Of a request without a key, or of one with something else where there is no ADMIN_KEY. */
  function required(scope: Scope | undefined): ApiError {
    return new ApiError("unauthorized", whatIsRequired(scope));
  }

  function whatIsRequired(scope: Scope | undefined): string {
    const isPublicScope = scope !== undefined && PUBLIC_SCOPES.has(scope);
    const which = scope === undefined ? "" : `, with a key that has the scope "${scope}"`;
    const header = `This route requires the header Authorization: Bearer <key>${which}`;
    if (adminKey) return `${header}.`;
    if (authority) return `${header}; the secret ADMIN_KEY is not set.`;
    if (!isPublicScope) return "This route is disabled: the secret ADMIN_KEY is not set.";
    return 'This route is disabled: predictions are not public (PUBLIC_PREDICT = "true" makes them so), and the secret ADMIN_KEY is not set.';
  }

  /** By the first credential that a provider knows. */
  function identifyElsewhere(presented: Presented): Principal | Promise<Principal> | undefined {
    for (const provider of identityProviders) {
      const identified = provider.identify(presented);
      if (identified !== undefined) return identified;
    }
    return undefined;
  }

  function recallElsewhere(authorization: string): Principal | undefined {
    for (const provider of identityProviders) {
      const principal = provider.recall?.(authorization);
      if (principal) return principal;
    }
    return undefined;
  }

  function isOpenFor({ scope, allowsAnonymous }: Requirement): boolean {
    return allowsAnonymous && scope !== undefined && permits(anybody.scopes, scope);
  }

  /** A client without a key, and without a session. */
  function identifyWithoutKey(
    presented: Presented,
    requirement: Requirement,
  ): Principal | Promise<Principal> {
    const identified = identifyElsewhere(presented);
    if (identified !== undefined) return identified;
    if (isOpenFor(requirement)) return anybody;
    throw required(requirement.scope);
  }

  return {
    recall(authorization) {
      // A request may have what a provider knows in another header.
      if (authorization === undefined) return identityProviders.length === 0 ? anybody : undefined;
      return keys?.recall(authorization) ?? recallElsewhere(authorization);
    },

    openSession(principal, authorization) {
      if (!sessions) throw required(undefined);
      return sessions.open(principal, BEARER.exec(authorization ?? "")?.[1]);
    },

    identify(presented, requirement) {
      const { authorization } = presented;
      const { scope, allowsAnonymous } = requirement;
      if (authorization === undefined) {
        const claim = allowsAnonymous ? undefined : sessions?.claimIn(presented);
        if (!claim || !sessions) return identifyWithoutKey(presented, requirement);
        return sessions
          .identify(claim, presented)
          .then((principal) => principal ?? identifyWithoutKey(presented, requirement));
      }
      const text = BEARER.exec(authorization)?.[1];
      if (text?.startsWith(API_KEY_PREFIX)) return identifyKey(text, presented);
      if (adminKey && text !== undefined && isAdminKey(text, presented))
        return administrator ?? loadAdministrator(adminKey);
      const identified = identifyElsewhere(presented);
      if (identified !== undefined) return identified;
      const shown = text ?? authorization;
      const error =
        text !== undefined && adminKey ? invalidKey("The key is not valid.") : required(scope);
      const refusal = refuse(guesses, shown, presented, error);
      if (isOpenFor(requirement)) return anonymousWith(authorization.replace(SCHEME, ""));
      throw refusal;
    },
  };
}

const MAX_ADMIN_NETWORKS = 1000;
const WRONG_CHECKSUM = "The API key is not valid: its checksum is wrong.";
const NO_KEYS =
  "The API key is not valid: this server has no API keys, as the binding KEYS is missing.";

function networkIn({ address }: Presented): string | undefined {
  return address === undefined || address === "" ? undefined : networkOf(address);
}

function tooManyAttempts(retryAfterSeconds: number): ApiError {
  return new ApiError(
    "too_many_attempts",
    `Too many keys that are not valid came from this address: wait ${retryAfterSeconds} s. Keys that were verified before go on.`,
    { details: { retryAfterSeconds } },
  );
}

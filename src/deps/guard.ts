import type { Config } from "../config.ts";
import type { FloodGuard } from "../domain/access/flood-guard.ts";
import type { IdentityProvider } from "../domain/access/identity-provider.ts";
import type { KeyAuthority } from "../domain/access/key-authority.ts";
import { createGuardEvent } from "../domain/guard-event.ts";
import type { EventSink } from "../domain/ports.ts";
import type { OnnxflareEnv } from "../env.ts";
import { createFloodGuard } from "../guard/flood-guard.ts";
import { type AuthorityStub, createRemoteAuthority } from "../guard/remote-authority.ts";
import { createIdentityProviders } from "../guard/tokens/create-identity-providers.ts";

/** The name of the one object that has all keys. */
const AUTHORITY = "keys";

export function createKeyAuthority({ KEYS: namespace }: OnnxflareEnv): KeyAuthority | undefined {
  return namespace && createRemoteAuthority(() => namespace.getByName(AUTHORITY) as AuthorityStub);
}

/** Whether a reply may tell that a text is the secret: a weaker one could be guessed so, where nothing slows guesses. */
export function isStrong({ length }: string): boolean {
  return length >= 20;
}

/** `undefined` without the binding. */
export function createFloods(
  { RATE_LIMITER }: OnnxflareEnv,
  sink: EventSink,
): FloodGuard | undefined {
  if (!RATE_LIMITER) return undefined;
  return createFloodGuard(RATE_LIMITER, () =>
    sink.emit(createGuardEvent({ kind: "flood_guard_unreachable" })),
  );
}

/** By tokens of the issuers that are configured, whose outages are events. */
export function createTokenProviders(
  { tokens, access }: Config,
  sink: EventSink,
): IdentityProvider[] {
  return createIdentityProviders({
    tokens,
    access,
    fetch: (url, init) => fetch(url, init),
    now: Date.now,
    onChange: (issuer, outage) =>
      sink.emit(
        createGuardEvent({
          kind: outage ? "issuer_unreachable" : "issuer_reachable",
          issuer,
          ...outage,
        }),
      ),
  });
}

import type { Context } from "hono";
import type { PrincipalKind } from "../domain/access/principal.ts";
import type { RequestTraits } from "../domain/routing-draw.ts";
import type { AppEnv } from "./context.ts";

const STABLE_KINDS: readonly PrincipalKind[] = ["key", "token", "access", "worker"];

/** Which requests belong together for a split that is sticky by header. */
const STICKY_KEY = "x-sticky-key";

/** What decides on the version of a split that a request gets. Each is read only by the splits that need it. */
export function traitsOf(c: Context<AppEnv>): RequestTraits {
  return c.get("traits") ?? new ContextTraits(c);
}

class ContextTraits implements RequestTraits {
  readonly #context: Context<AppEnv>;
  #random: number | undefined;

  constructor(context: Context<AppEnv>) {
    this.#context = context;
  }

  get stickyKey(): string | undefined {
    return this.#context.req.header(STICKY_KEY);
  }

  get clientKey(): string | undefined {
    const principal = this.#context.get("principal");
    // A key keeps its version when it is rotated, and a client when its token is renewed.
    if (principal && STABLE_KINDS.includes(principal.kind)) return principal.label;
    return keyIn(this.#context.req.header("authorization"));
  }

  get input(): Uint8Array {
    return this.#context.get("body");
  }

  get random(): number {
    if (this.#random === undefined) {
      this.#random = Math.random();
      // Whoever resolves the model again gets the same version.
      this.#context.set("traits", this);
    }
    return this.#random;
  }
}

/** The API key in the header `Authorization`, whatever the case of its scheme. */
export function keyIn(authorization: string | undefined): string | undefined {
  return authorization?.replace(/^bearer +/i, "");
}

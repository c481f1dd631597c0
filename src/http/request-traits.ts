import type { Context } from "hono";
import type { RequestTraits } from "../domain/routing-draw.ts";
import type { AppEnv } from "./context.ts";

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

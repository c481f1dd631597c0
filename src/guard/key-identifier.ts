import type { KeyAuthority, KeyDigest, VerifiableKey } from "../domain/access/key-authority.ts";
import type { Principal } from "../domain/access/principal.ts";
import type { WaitUntil } from "../domain/call.ts";
import { ApiError } from "../domain/errors.ts";
import { settlesWithin } from "../shared/settles-within.ts";
import { findDigest, invalidKey, problemOf, UNKNOWN_KEY } from "./key-verdict.ts";
import {
  FRESH_MS,
  type KnownKey,
  KnownKeys,
  REFRESH_FROM_MS,
  recallWhileAsking,
  shownDigest,
} from "./known-keys.ts";

/** How long a request waits for the authority, before it counts as out of reach. */
const WAIT_MS = 2000;
/** After a failure, the authority is asked again from this time on. */
const RETRY_MS = 1000;
/** Ids in one question. */
const MAX_IDS = 100;
const MAX_REPORTED = 1000;

export interface KeyIdentifierOptions {
  readonly authority: KeyAuthority;
  /** How long keys that are known go on while the authority is out of reach, from when it last answered. */
  readonly graceMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Called once for each key in each outage, with what happens to its requests; and when the outage ends. */
  readonly onOutage: (key: string, isAccepted: boolean) => void;
  readonly onReachable: () => void;
}

/** Identifies clients by API keys, of which the isolate knows those that were used. */
export class KeyIdentifier {
  readonly #options: KeyIdentifierOptions;
  readonly #keys: KnownKeys;
  /** Questions that the authority has not answered yet, by the ids in them. */
  readonly #asking = new Map<string, Promise<void>>();
  #failedAt: number | undefined;
  /** Keys whose requests were decided without the authority in this outage. */
  readonly #reported = new Set<string>();

  constructor(options: KeyIdentifierOptions) {
    this.#options = options;
    this.#keys = new KnownKeys(options.graceMs);
  }

  /** The principal of a header whose key was verified before, while that is fresh. */
  recall(header: string): Principal | undefined {
    return this.#keys.recall(header, this.#options.now());
  }

  /** Whether the authority need not be asked about the key. */
  knows(id: string): boolean {
    return this.#keys.get(id)?.found !== undefined;
  }

  /**
   * @param id that of the text
   * @param asks whether the authority may be asked about a secret that is not known
   * @throws ApiError `unauthorized`, `authority_unavailable`
   * @throws WrongSecret where the secret is that of no key
   */
  async identify(
    text: string,
    id: string,
    { waitUntil, asks }: { readonly waitUntil: WaitUntil; readonly asks: boolean },
  ): Promise<Principal> {
    const startedAt = this.#options.now();
    let known = await this.#read(id, waitUntil);
    let principal = await this.#verify(text, known);
    // The secret may be one of a rotation since the authority was asked, also while it is being asked.
    for (let i = 0; i < 2 && !principal && known.found && asks; i++) {
      if (known.askedAt >= startedAt) break;
      await this.#ask([id], waitUntil);
      known = this.#keys.get(id) ?? known;
      principal = await this.#verify(text, known);
    }
    if (principal) return principal;
    if (known.found && asks && known.askedAt < startedAt) throw unavailable();
    throw new WrongSecret();
  }

  /**
   * The principal of a key one of whose secrets was shown before.
   * @param find finds the digest of that secret among those of the key
   * @throws ApiError as {@link identify}
   */
  async identifyBound(
    id: string,
    find: (key: VerifiableKey) => Promise<KeyDigest | undefined>,
    waitUntil: WaitUntil,
  ): Promise<Principal | undefined> {
    const known = await this.#read(id, waitUntil);
    const { found, principal } = known;
    const digest = found && (await find(found));
    if (!digest || !principal) return undefined;
    const problem = problemOf(found, digest, this.#options.now());
    if (problem !== undefined) throw invalidKey(problem);
    known.isUsed = true;
    return principal;
  }

  /** What the authority says about the id, which is asked if that is not known or not fresh. */
  async #read(id: string, waitUntil: WaitUntil): Promise<KnownKey> {
    const { now, graceMs } = this.#options;
    const before = this.#keys.get(id);
    const ageMs = before ? now() - before.askedAt : Number.POSITIVE_INFINITY;
    if (before && ageMs >= 0 && ageMs < FRESH_MS) {
      if (ageMs >= REFRESH_FROM_MS && this.#mayAsk()) this.#refresh(before, waitUntil);
      return before;
    }
    const isInGrace = before?.found !== undefined && ageMs < graceMs;
    if (this.#failedAt === undefined || (this.#mayAsk() && !isInGrace)) {
      await this.#ask([id, ...this.#due(id)], waitUntil);
      const after = this.#keys.get(id);
      if (after && after !== before) return after;
    } else if (before && this.#mayAsk()) this.#refresh(before, waitUntil);
    if (!this.#isReported(id)) this.#options.onOutage(id, isInGrace);
    if (isInGrace) return before;
    throw unavailable();
  }

  async #verify(text: string, known: KnownKey): Promise<Principal | undefined> {
    const { found, principal } = known;
    const digest = found && (shownDigest(known, text) ?? (await findDigest(text, found)));
    if (!digest || !principal) return undefined;
    const problem = problemOf(found, digest, this.#options.now());
    if (problem !== undefined) throw invalidKey(problem);
    this.#keys.show(known, text, digest);
    known.isUsed = true;
    return principal;
  }

  #mayAsk(): boolean {
    return this.#failedAt === undefined || this.#options.now() - this.#failedAt >= RETRY_MS;
  }

  #isReported(id: string): boolean {
    if (this.#reported.has(id) || this.#reported.size >= MAX_REPORTED) return true;
    this.#reported.add(id);
    return false;
  }

  #refresh(known: KnownKey, waitUntil: WaitUntil): void {
    if (this.#asking.has(known.id)) return;
    void this.#ask([known.id, ...this.#due(known.id)], waitUntil);
  }

  /** Others that are due, so that many keys cost few questions. */
  #due(id: string): string[] {
    const due = this.#keys
      .due(this.#options.now())
      .filter((each) => each !== id && !this.#asking.has(each));
    return [...due.take(MAX_IDS - 1)];
  }

  /** Asks the authority, or waits for an answer that somebody waits for already. It never fails. */
  async #ask(ids: readonly [string, ...string[]], waitUntil: WaitUntil): Promise<void> {
    const [first] = ids;
    const running = this.#asking.get(first);
    if (running !== undefined) {
      // The platform may have ended it with its request.
      if (!(await settlesWithin(running, WAIT_MS))) this.#fail();
      return;
    }
    const asking = this.#find(ids);
    for (const id of ids) {
      this.#asking.set(id, asking);
      const known = this.#keys.get(id);
      if (known) recallWhileAsking(known);
    }
    const ended = asking.finally(() => {
      for (const id of ids) if (this.#asking.get(id) === asking) this.#asking.delete(id);
    });
    waitUntil(ended);
    if (await settlesWithin(ended, WAIT_MS)) return;
    this.#fail();
    for (const id of ids) if (this.#asking.get(id) === asking) this.#asking.delete(id);
  }

  async #find(ids: readonly string[]): Promise<void> {
    const askedAt = this.#options.now();
    try {
      const found = await this.#options.authority.find(ids);
      for (const [index, id] of ids.entries()) this.#keys.put(id, found[index], askedAt);
      if (this.#failedAt === undefined) return;
      this.#failedAt = undefined;
      this.#reported.clear();
      this.#options.onReachable();
    } catch {
      this.#fail();
    }
  }

  #fail(): void {
    this.#failedAt = this.#options.now();
  }
}

function unavailable(): ApiError {
  return new ApiError(
    "authority_unavailable",
    "The authority of API keys is out of reach, and this key was not verified lately: try again.",
    { details: { retryAfterSeconds: Math.ceil(RETRY_MS / 1000) } },
  );
}

/** The secret is that of no key: a guess, as far as one can tell. */
export class WrongSecret extends Error {
  override readonly name = "WrongSecret";
  override readonly message = UNKNOWN_KEY;
}

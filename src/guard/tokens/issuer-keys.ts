import type { WaitUntil } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import { SingleFlight } from "../../shared/single-flight.ts";
import { type KeySet, parseKeySet } from "./key-set.ts";
import { type Fetch, readRemoteJson } from "./remote-json.ts";

/** From this age on, keys are read again in the background: the longest that a key which the issuer withdraws is used. */
export const KEYS_FRESH_MS = 600_000;
/** How long keys are used that cannot be read again, counted from when they were read. */
export const KEYS_KEPT_MS = 6 * 3_600_000;
/** Keys are read at most once in this time, whatever tokens clients send. */
export const COOLDOWN_MS = 30_000;
/** The same while there are none. */
export const FIRST_COOLDOWN_MS = 5000;
/** For the requests to the issuer together. */
const TIMEOUT_MS = 5000;
/** How long a request waits for what another one has begun. */
const MAX_WAIT_MS = 7000;

/** Why keys cannot be read. */
export interface IssuerOutage {
  readonly problem: string;
}

export interface IssuerKeysOptions {
  /** For messages. */
  readonly issuer: string;
  /** Finds the URL of the key set, each time that it is read. */
  readonly locate: (signal: AbortSignal) => Promise<string>;
  readonly fetch: Fetch;
  /** Called when keys cannot be read, and when they can be again: once each. */
  readonly onChange: (outage: IssuerOutage | undefined) => void;
  /** In milliseconds since the epoch. */
  readonly now: () => number;
}

/** The keys of an issuer, which are read when they are needed, and kept. */
export interface IssuerKeys {
  /** The keys that are known, while they need not be read again. */
  peek(): KeySet | undefined;
  /** The keys that are known, which are read again in the background when they are old; `undefined` if they must be waited for. */
  recall(waitUntil: WaitUntil): KeySet | undefined;
  /**
   * The keys.
   * @param without a set in which a key was missed: another one is read, unless that was done a moment ago
   * @throws ApiError `authority_unavailable` when there are none
   */
  get(waitUntil: WaitUntil, without?: KeySet): Promise<KeySet>;
}

export function createIssuerKeys(options: IssuerKeysOptions): IssuerKeys {
  const { issuer, locate, fetch, onChange, now } = options;
  const flight = new SingleFlight<KeySet>(MAX_WAIT_MS);
  let known: { readonly keys: KeySet; readonly readAt: number } | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let problem: string | undefined;

  async function read(): Promise<KeySet> {
    const readAt = now();
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const keys = parseKeySet(await readRemoteJson(await locate(signal), fetch, signal));
      // The same object for the same keys, by which those who keep what it verified know that it is still valid.
      const same = known?.keys.fingerprint === keys.fingerprint ? known.keys : keys;
      known = { keys: same, readAt };
      if (problem !== undefined) onChange(undefined);
      problem = undefined;
      return same;
    } catch (cause) {
      const isFirst = problem === undefined;
      problem = cause instanceof Error ? cause.message : String(cause);
      if (isFirst) onChange({ problem });
      throw cause;
    }
  }

  function start(waitUntil: WaitUntil): Promise<KeySet> {
    triedAt = now();
    const reading = flight.start("keys", read);
    waitUntil(reading.catch(() => undefined));
    return reading;
  }

  function kept(): KeySet | undefined {
    return known && now() - known.readAt < KEYS_KEPT_MS ? known.keys : undefined;
  }

  function mayTry(): boolean {
    const cooldownMs = known ? COOLDOWN_MS : FIRST_COOLDOWN_MS;
    return now() - triedAt >= cooldownMs;
  }

  function isFresh(): boolean {
    return known !== undefined && now() - known.readAt < KEYS_FRESH_MS;
  }

  return {
    peek: () => (isFresh() ? known?.keys : undefined),

    recall(waitUntil) {
      const keys = kept();
      if (keys && !isFresh() && mayTry()) start(waitUntil).catch(() => undefined);
      return keys;
    },

    async get(waitUntil, without) {
      const before = kept();
      if (before && before !== without) return before;
      const joined = flight.join("keys");
      if (joined) {
        const outcome = await joined;
        if (outcome) return outcome.result;
      } else if (mayTry()) {
        const read = await start(waitUntil).catch(() => undefined);
        if (read) return read;
      }
      const keys = kept();
      if (keys) return keys;
      throw new ApiError(
        "authority_unavailable",
        `The keys of the issuer ${issuer} cannot be read, so no token can be verified.`,
        { cause: problem, details: { retryAfterSeconds: FIRST_COOLDOWN_MS / 1000 } },
      );
    },
  };
}

import { hashText } from "../shared/fnv1a.ts";
import { LruMap } from "../shared/lru-map.ts";

/** Failed attempts of an address at once, before it has to wait. */
const BURST = 10;
/** After that, one more attempt for each such time. */
const REFILL_MS = 6000;
const MAX_NETWORKS = 10_000;

interface Attempts {
  /** How many may still fail. */
  left: number;
  at: number;
  /** A hash of the last text that failed: a client that repeats itself guesses nothing. */
  last: number;
  isReported: boolean;
}

/**
 * Failed attempts to be identified, by the network that they came from. They are counted in this isolate alone. A caller without a
 * network is not slowed: the local server has no addresses.
 */
export class Guesses {
  readonly #networks = new LruMap<string, Attempts>(MAX_NETWORKS);

  /** The seconds until the next attempt, 0 when it may be made now. */
  waitSeconds(network: string | undefined, now: number): number {
    const attempts = network === undefined ? undefined : this.#networks.get(network);
    if (!attempts) return 0;
    refill(attempts, now);
    if (attempts.left >= 1) return 0;
    return Math.ceil(((1 - attempts.left) * REFILL_MS) / 1000);
  }

  /**
   * Counts an attempt that failed.
   * @returns whether the network has to wait from now on, and did not before
   */
  count(network: string | undefined, text: string, now: number): boolean {
    if (network === undefined) return false;
    const attempts = this.#networks.get(network) ?? this.#add(network, now);
    refill(attempts, now);
    const hash = hashText(text);
    if (attempts.last === hash) return false;
    attempts.last = hash;
    attempts.left = Math.max(0, attempts.left - 1);
    if (attempts.left >= 1 || attempts.isReported) return false;
    attempts.isReported = true;
    return true;
  }

  #add(network: string, now: number): Attempts {
    const attempts = { left: BURST, at: now, last: -1, isReported: false };
    this.#networks.set(network, attempts);
    return attempts;
  }
}

function refill(attempts: Attempts, now: number): void {
  const passedMs = Math.max(0, now - attempts.at);
  attempts.at = now;
  attempts.left = Math.min(BURST, attempts.left + passedMs / REFILL_MS);
  if (attempts.left === BURST) attempts.isReported = false;
}

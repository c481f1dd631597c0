import type { BodyReservation, SpareBodyBudget } from "../domain/body-budget.ts";
import { ApiError } from "../domain/errors.ts";

export interface BodyBudgetOptions {
  /** What the bodies of all requests in flight may take together, in bytes. */
  readonly limitBytes: number;
  readonly now?: () => number;
}

/** Added to each body: what a request takes beside it, so that many tiny bodies are bounded too. */
const OVERHEAD_BYTES = 4096;
/** The share that the bodies for one model may take, so that those which wait for a heavy one refuse none of the others. */
const SHARE_OF_ONE = 3 / 4;
/** A body of which nothing arrived for this long is evicted when another body needs its memory. */
const STALLED_AFTER_MS = 2000;
/** How long after its deadline a reservation counts as lost: a request that the platform ended never releases its own. */
const LOST_AFTER_MS = 30_000;
/** Bodies are in memory for milliseconds, unless they stall. */
const RETRY_AFTER_SECONDS = 1;

/** No model and no path. */
const SPARE = "(spare)";

/** Mutable state of a reservation, which others may evict. */
interface Entry {
  readonly purpose: string;
  bytes: number;
  progressAt: number;
  readonly lostAt: number;
  isComplete: boolean;
  /** Whether it gives way to every body. */
  readonly isSpare: boolean;
  /** Ends the read that its body waits for. */
  giveUp: ((error: unknown) => void) | undefined;
}

/**
 * The memory budget of request bodies. A client that declares a large body and sends little of it holds little: memory is
 * reserved as bytes arrive, and what has stalled gives way to others.
 */
export function createBodyBudget({
  limitBytes,
  now = () => performance.now(),
}: BodyBudgetOptions): SpareBodyBudget {
  /** In the order of arrival. */
  const entries = new Set<Entry>();
  let usedBytes = 0;
  const fairBytes = Math.floor(limitBytes * SHARE_OF_ONE);
  /** By purpose. */
  const usedFor = new Map<string, number>();

  function remove(entry: Entry): void {
    if (entries.delete(entry)) use(entry.purpose, -entry.bytes);
  }

  function use(purpose: string, bytes: number): void {
    usedBytes += bytes;
    const left = (usedFor.get(purpose) ?? 0) + bytes;
    if (left > 0) usedFor.set(purpose, left);
    else usedFor.delete(purpose);
  }

  function removeLost(): void {
    const time = now();
    for (const entry of entries) if (time > entry.lostAt) remove(entry);
  }

  /**
   * Frees reservations that are lost, then those that give way, and then bodies that have stalled, the longest first, until there
   * is room.
   */
  function makeRoom(hasRoom: () => boolean, own: Entry | undefined): void {
    const time = now();
    removeLost();
    const idle = [...entries]
      .filter((entry) => entry !== own && !entry.isComplete)
      .filter(({ isSpare, progressAt }) => isSpare || time - progressAt >= STALLED_AFTER_MS)
      .sort((a, b) => Number(b.isSpare) - Number(a.isSpare) || a.progressAt - b.progressAt);
    for (const entry of idle) {
      if (hasRoom()) return;
      remove(entry);
      entry.giveUp?.(stalled());
    }
  }

  function ensure(bytes: number, purpose: string, own?: Entry): void {
    const ownBytes = own?.bytes ?? 0;
    /** What the other bodies for the same model take. */
    const similarBytes = (): number => (usedFor.get(purpose) ?? 0) - ownBytes;
    const isFair = (): boolean =>
      similarBytes() === 0 || similarBytes() + ownBytes + bytes <= fairBytes;
    const hasRoom = (): boolean => usedBytes + bytes <= limitBytes && isFair();
    if (hasRoom()) return;
    if (ownBytes + bytes > limitBytes) throw tooLarge(ownBytes + bytes, limitBytes);
    makeRoom(hasRoom, own);
    if (hasRoom()) return;
    throw isFair()
      ? overloaded("The bodies of the requests in flight", bytes, usedBytes, limitBytes)
      : overloaded(
          "The bodies of the requests in flight for this model",
          bytes,
          similarBytes(),
          fairBytes,
        );
  }

  function create(purpose: string, bytes: number, timeoutMs: number, isSpare: boolean) {
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const time = now();
    const entry: Entry = {
      purpose,
      bytes: bytes + OVERHEAD_BYTES,
      progressAt: time,
      lostAt: time + timeoutMs + LOST_AFTER_MS,
      isComplete: false,
      isSpare,
      giveUp: undefined,
    };
    entries.add(entry);
    use(purpose, entry.bytes);
    const reservation: BodyReservation = {
      released,
      onEvicted(giveUp) {
        entry.giveUp = giveUp;
        if (!entries.has(entry)) giveUp(stalled());
      },
      resize(target) {
        const bytesMore = target + OVERHEAD_BYTES - entry.bytes;
        if (!entries.has(entry)) return;
        ensure(bytesMore, purpose, entry);
        use(purpose, bytesMore);
        entry.bytes += bytesMore;
      },
      progress() {
        entry.progressAt = now();
      },
      complete() {
        entry.isComplete = true;
      },
      release() {
        remove(entry);
        resolve();
      },
    };
    return reservation;
  }

  return {
    reserve({ bytes, expectedBytes = bytes, timeoutMs, purpose = "" }) {
      ensure(Math.max(bytes, expectedBytes) + OVERHEAD_BYTES, purpose);
      return create(purpose, bytes, timeoutMs, false);
    },
    reserveSpare({ bytes, timeoutMs }) {
      removeLost();
      if (usedBytes + bytes + OVERHEAD_BYTES > limitBytes) return undefined;
      return create(SPARE, bytes, timeoutMs, true);
    },
  };
}

function overloaded(
  what: string,
  neededBytes: number,
  usedBytes: number,
  limitBytes: number,
): ApiError {
  return new ApiError(
    "overloaded",
    `${what} take ${usedBytes} of ${limitBytes} bytes (MAX_BODIES_BYTES), and this one needs ${neededBytes} more. Try again in ${RETRY_AFTER_SECONDS} s.`,
    { details: { retryAfterSeconds: RETRY_AFTER_SECONDS, neededBytes, usedBytes, limitBytes } },
  );
}

/** It would not fit later either. */
function tooLarge(neededBytes: number, limitBytes: number): ApiError {
  return new ApiError(
    "body_too_large",
    `The body needs ${neededBytes} bytes, with its decompression, and all bodies together may take ${limitBytes} (MAX_BODIES_BYTES).`,
    { details: { neededBytes, limitBytes } },
  );
}

function stalled(): ApiError {
  return new ApiError(
    "body_timeout",
    `Nothing of the body arrived for ${STALLED_AFTER_MS} ms, while other requests needed its memory.`,
  );
}

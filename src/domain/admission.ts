import { ApiError } from "./errors.ts";

/**
 * Decides whether a request may wait for its turn. Runs are synchronous, so requests in flight are a
 * queue: the wait of the next one is their number times what one takes. Beyond the bound it is told
 * at once when to come back, which is cheap, instead of being answered late, which is not.
 */
export interface AdmissionOptions {
  /** Requests in flight in one isolate, whatever they cost: bounds the memory of their bodies. */
  readonly maxInFlight: number;
  /** The longest predicted wait that is accepted. One request may always wait for another. */
  readonly maxQueueMs: number;
  /** The deadline of a request that names none, from its arrival. */
  readonly defaultTimeoutMs: number;
  readonly now?: () => number;
}

/** The right to be served, to be released in any case. */
export interface Ticket {
  /** Brings the deadline forward; it never moves back. */
  limitTo(timeoutMs: number): void;
  /** @throws ApiError `deadline_exceeded` when the time is up */
  checkDeadline(): void;
  /** @param serviceMs what the request kept the isolate busy; `undefined` when it did not get that far */
  release(serviceMs: number | undefined): void;
}

export interface Admission {
  /** @throws ApiError `overloaded` or `deadline_exceeded`, with `retryAfterSeconds` in its details */
  admit(timeoutMs?: number): Ticket;
}

/** How long a ticket outlives its deadline: what the platform cut off never gives its ticket back. */
const LOST_AFTER_MS = 30_000;
/** Weight of the newest sample in the moving average. */
const SMOOTHING = 0.1;

export function createAdmission(options: AdmissionOptions): Admission {
  const { maxInFlight, maxQueueMs, defaultTimeoutMs, now = () => performance.now() } = options;
  /** When each ticket counts as lost, in the order of arrival. */
  const inFlight = new Map<Ticket, number>();
  /**
   * Moving average. On Cloudflare's network clocks stand still while the CPU works, so samples read
   * 0 there and `maxInFlight` alone decides; in workerd on any other machine they are true.
   */
  let serviceMs: number | undefined;

  function refuse(
    code: "overloaded" | "deadline_exceeded",
    message: string,
    waitMs: number,
  ): never {
    const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
    throw new ApiError(code, `${message} Try again in ${retryAfterSeconds} s.`, {
      details: { retryAfterSeconds },
    });
  }

  function forgetLost(time: number): void {
    for (const [ticket, lostAt] of inFlight) if (time > lostAt) inFlight.delete(ticket);
  }

  return {
    admit(timeoutMs = defaultTimeoutMs) {
      const arrived = now();
      forgetLost(arrived);
      const average = serviceMs ?? 0;
      const waitMs = inFlight.size * average;
      const longestMs = Math.max(maxQueueMs, average);
      if (inFlight.size >= maxInFlight)
        refuse("overloaded", `${inFlight.size} requests are in flight, the most accepted.`, waitMs);
      if (waitMs > longestMs)
        refuse(
          "overloaded",
          `The predicted wait of ${Math.ceil(waitMs)} ms is over the limit of ${Math.ceil(longestMs)} ms.`,
          waitMs - longestMs + average,
        );
      if (waitMs > timeoutMs)
        refuse(
          "deadline_exceeded",
          `The predicted wait of ${Math.ceil(waitMs)} ms is over the request's timeout of ${timeoutMs} ms.`,
          waitMs - timeoutMs + average,
        );
      let limitMs = timeoutMs;
      const ticket: Ticket = {
        limitTo(milliseconds) {
          limitMs = Math.min(limitMs, milliseconds);
        },
        checkDeadline() {
          const elapsedMs = now() - arrived;
          if (elapsedMs <= limitMs) return;
          refuse(
            "deadline_exceeded",
            `The request's timeout of ${limitMs} ms passed after ${Math.ceil(elapsedMs)} ms, before its turn came.`,
            inFlight.size * (serviceMs ?? 0),
          );
        },
        release(sampleMs) {
          if (!inFlight.delete(ticket) || sampleMs === undefined) return;
          serviceMs =
            serviceMs === undefined ? sampleMs : serviceMs + SMOOTHING * (sampleMs - serviceMs);
        },
      };
      inFlight.set(ticket, arrived + timeoutMs + LOST_AFTER_MS);
      return ticket;
    },
  };
}

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
  /** Lets the event loop come to the network. */
  readonly pause?: () => Promise<void>;
}

/** The right to be served, to be released in any case. */
export interface Ticket {
  /** Waits for the requests that came before, so that those who come meanwhile are seen and counted. */
  waitForTurn(): Promise<void>;
  /** Ends the turn in the middle of long work, and waits until those who came before have had theirs. */
  yieldTurn(): Promise<void>;
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
/**
 * Requests are let through in turns of so much work, and between two turns is a pause. The event loop
 * comes to the network only when nothing else is left to do, and a request for a warm model waits for
 * nothing: without pauses, requests queue in the network, where nobody counts them, and none is refused
 * (measured: at ten times the capacity, answers after 24 s). A pause wakes all who wait, so it is not free.
 */
const TURN_MS = 50;
/** The requests of a turn where the clock stands still, so that nothing tells how long they take. */
const TURN_REQUESTS = 25;
/** The most requests of a turn. */
const MOST_TURN_REQUESTS = 400;
/** Weight of the newest sample in the moving average. */
const SMOOTHING = 0.1;

export function createAdmission(options: AdmissionOptions): Admission {
  const { maxInFlight, maxQueueMs, defaultTimeoutMs } = options;
  const { now = () => performance.now(), pause = turnOfEventLoop } = options;
  /** When each ticket counts as lost, in the order of arrival. */
  const inFlight = new Map<Ticket, number>();
  /**
   * Moving average. On Cloudflare's network clocks stand still while the CPU works, so samples read
   * 0 there and `maxInFlight` alone decides; in workerd on any other machine they are true.
   */
  let serviceMs: number | undefined;
  /** In the order of arrival. */
  const waiting = new Set<Ticket>();
  /** How many more may go in this turn; the first turn is over when something is known of a request. */
  let places = 1;
  let turns = 0;

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

  function beginTurn(): void {
    turns += 1;
    places = turnPlaces(serviceMs);
    for (const ticket of waiting) {
      if (places === 0) break;
      places -= 1;
      waiting.delete(ticket);
    }
  }

  async function standInLine(ticket: Ticket): Promise<void> {
    waiting.add(ticket);
    while (waiting.has(ticket)) {
      const turn = turns;
      await pause();
      // The first of those who paused begins the next turn for all.
      if (turns === turn) beginTurn();
    }
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
        waitForTurn() {
          if (places === 0) return standInLine(ticket);
          places -= 1;
          return Promise.resolve();
        },
        yieldTurn() {
          places = 0;
          return standInLine(ticket);
        },
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

function turnPlaces(serviceMs: number | undefined): number {
  if (serviceMs === undefined) return 1;
  if (serviceMs === 0) return TURN_REQUESTS;
  return Math.min(MOST_TURN_REQUESTS, Math.max(1, Math.floor(TURN_MS / serviceMs)));
}

/** A timer fires after the network was looked at. */
function turnOfEventLoop(): Promise<void> {
  return new Promise((resume) => setTimeout(resume, 0));
}

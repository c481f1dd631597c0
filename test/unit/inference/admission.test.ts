import { beforeEach, describe, expect, test } from "vitest";
import type { Admission, Permit } from "../../../src/domain/admission.ts";
import type { ApiError, ErrorCode } from "../../../src/domain/errors.ts";
import { createAdmission } from "../../../src/inference/admission.ts";
import { catchApiError } from "../../support/errors.ts";

/** Estimated waits, by a clock that the tests move, and turns, by pauses that they end. */

let nowMs: number;
let pauses: (() => void)[];

beforeEach(() => {
  nowMs = 1000;
  pauses = [];
});

function admissionOf(
  options: { maxInFlight?: number; maxQueueMs?: number; defaultTimeoutMs?: number } = {},
): Admission {
  return createAdmission({
    maxInFlight: 1000,
    maxQueueMs: 1_000_000,
    defaultTimeoutMs: 1_000_000,
    now: () => nowMs,
    pause: () => new Promise((resume) => pauses.push(resume)),
    ...options,
  });
}

/** Teaches the average: the first sample is taken as it is. */
function learn(admission: Admission, serviceMs: number): void {
  admission.admit().release(serviceMs);
}

function admitMany(admission: Admission, count: number): Permit[] {
  return Array.from({ length: count }, () => admission.admit());
}

function refusal(code: ErrorCode, work: () => unknown): ApiError & { retryAfterSeconds: unknown } {
  const error = catchApiError(code, work);
  return Object.assign(error, { retryAfterSeconds: error.details?.retryAfterSeconds });
}

describe("the bound of requests in flight", () => {
  test("refuses the next one, until one of them is released", () => {
    const admission = admissionOf({ maxInFlight: 3 });
    const [first] = admitMany(admission, 3);
    const { message, retryAfterSeconds } = refusal("overloaded", () => admission.admit());
    expect(message).toBe("3 requests are in flight, the most accepted. Try again in 1 s.");
    expect(retryAfterSeconds).toBe(1);
    first?.release(undefined);
    admission.admit();
    refusal("overloaded", () => admission.admit());
  });

  test("holds also when nothing is known of how long requests take", () => {
    const admission = admissionOf({ maxInFlight: 1, maxQueueMs: 0 });
    admission.admit();
    refusal("overloaded", () => admission.admit());
  });

  test("counts a permit once, however often it is released", () => {
    const admission = admissionOf({ maxInFlight: 2 });
    const [first] = admitMany(admission, 2);
    for (let time = 0; time < 3; time++) first?.release(5);
    admission.admit();
    refusal("overloaded", () => admission.admit());
  });

  test("takes no place for a request that it refuses", () => {
    const admission = admissionOf({ maxInFlight: 1 });
    const permit = admission.admit();
    for (let time = 0; time < 5; time++) refusal("overloaded", () => admission.admit());
    permit.release(undefined);
    admission.admit();
  });

  test("forgets a permit that is never released half a minute after its deadline", () => {
    const admission = admissionOf({ maxInFlight: 2 });
    admission.admit(1000);
    const lasting = admission.admit(60_000);
    nowMs += 31_000;
    refusal("overloaded", () => admission.admit());
    nowMs += 1;
    const late = admission.admit();
    refusal("overloaded", () => admission.admit());
    for (const permit of [lasting, late]) permit.release(undefined);
    expect(admitMany(admission, 2)).toHaveLength(2);
  });

  test("says when the queue will be empty, by the average", () => {
    const admission = admissionOf({ maxInFlight: 10 });
    learn(admission, 700);
    admitMany(admission, 10);
    // Ten requests of 0.7 s are before it.
    expect(refusal("overloaded", () => admission.admit()).retryAfterSeconds).toBe(7);
  });
});

describe("the estimated wait", () => {
  test("is the requests in flight times the average, up to the limit", () => {
    const admission = admissionOf({ maxQueueMs: 100 });
    learn(admission, 20);
    // The sixth waits for five, 100 ms; the seventh would wait for six.
    admitMany(admission, 6);
    const { message, retryAfterSeconds } = refusal("overloaded", () => admission.admit());
    expect(message).toBe(
      "The estimated wait of 120 ms is over the limit of 100 ms. Try again in 1 s.",
    );
    expect(retryAfterSeconds).toBe(1);
  });

  test("lets one request wait for another, whatever it takes", () => {
    const admission = admissionOf({ maxQueueMs: 100 });
    learn(admission, 4000);
    admitMany(admission, 2);
    // 8000 ms estimated, 4000 ms accepted, and the average of one on top: it can come in 8 s.
    expect(refusal("overloaded", () => admission.admit()).retryAfterSeconds).toBe(8);
  });

  test("shrinks with each request that ends", () => {
    const admission = admissionOf({ maxQueueMs: 100 });
    learn(admission, 20);
    const permits = admitMany(admission, 6);
    refusal("overloaded", () => admission.admit());
    permits[0]?.release(20);
    admission.admit();
    refusal("overloaded", () => admission.admit());
  });

  test("is nothing as long as nothing is known", () => {
    const admission = admissionOf({ maxQueueMs: 0 });
    expect(admitMany(admission, 50)).toHaveLength(50);
  });
});

describe("the average", () => {
  /** The average, read from the message that a full queue of one gives. */
  function averageOf(admission: Admission): number {
    const permit = admission.admit();
    const { message } = refusal("deadline_exceeded", () => admission.admit(0.001));
    permit.release(undefined);
    return Number(/estimated wait of (\d+) ms/.exec(message)?.[1]);
  }

  test("begins with the first sample, and moves by a tenth towards each other one", () => {
    const admission = admissionOf();
    learn(admission, 100);
    expect(averageOf(admission)).toBe(100);
    learn(admission, 200);
    expect(averageOf(admission)).toBe(110);
    learn(admission, 10);
    expect(averageOf(admission)).toBe(100);
  });

  test("closes in on a new level", () => {
    const admission = admissionOf();
    learn(admission, 1000);
    for (let sample = 0; sample < 60; sample++) learn(admission, 10);
    // 10 + 990 * 0.9^60, rounded up.
    expect(averageOf(admission)).toBe(12);
  });

  test("ignores requests that did not get to their run", () => {
    const admission = admissionOf();
    learn(admission, 50);
    for (let time = 0; time < 20; time++) admission.admit().release(undefined);
    expect(averageOf(admission)).toBe(50);
  });

  test("takes a sample of 0, as a clock that stands still gives it", () => {
    const admission = admissionOf({ maxQueueMs: 0 });
    for (let time = 0; time < 20; time++) learn(admission, 0);
    expect(admitMany(admission, 100)).toHaveLength(100);
  });
});

describe("a deadline", () => {
  test("refuses at once what could not be met", () => {
    const admission = admissionOf();
    learn(admission, 40);
    admitMany(admission, 3);
    const { message, retryAfterSeconds } = refusal("deadline_exceeded", () => admission.admit(100));
    expect(message).toBe(
      "The estimated wait of 120 ms is over the request's timeout of 100 ms. Try again in 1 s.",
    );
    expect(retryAfterSeconds).toBe(1);
    admission.admit(120);
  });

  test("says when it could be met", () => {
    const admission = admissionOf();
    learn(admission, 1000);
    admitMany(admission, 10);
    // 10 s estimated, 3 s allowed, and the average of one on top.
    const { retryAfterSeconds } = refusal("deadline_exceeded", () => admission.admit(3000));
    expect(retryAfterSeconds).toBe(8);
  });

  test("is the default for a request that names none", () => {
    const admission = admissionOf({ defaultTimeoutMs: 50 });
    learn(admission, 60);
    admission.admit();
    expect(refusal("deadline_exceeded", () => admission.admit()).message).toContain(
      "timeout of 50 ms",
    );
    admission.admit(100);
  });

  test("passes with the time", () => {
    const permit = admissionOf().admit(250);
    permit.deadline.check();
    nowMs += 250;
    permit.deadline.check();
    nowMs += 1;
    const { message, retryAfterSeconds } = refusal("deadline_exceeded", () =>
      permit.deadline.check(),
    );
    expect(message).toBe("The request's timeout of 250 ms passed after 251 ms. Try again in 1 s.");
    expect(retryAfterSeconds).toBe(1);
  });

  test("can be brought forward, never moved back", () => {
    const permit = admissionOf().admit(250);
    permit.deadline.limit(1000);
    nowMs += 200;
    permit.deadline.check();
    permit.deadline.limit(100);
    refusal("deadline_exceeded", () => permit.deadline.check());
    permit.deadline.limit(1000);
    refusal("deadline_exceeded", () => permit.deadline.check());
  });

  test("that passed says when the queue will be empty", () => {
    const admission = admissionOf();
    learn(admission, 2000);
    const [permit] = admitMany(admission, 4);
    permit?.deadline.limit(10);
    nowMs += 11;
    // Four requests of 2 s, itself among them.
    expect(refusal("deadline_exceeded", () => permit?.deadline.check()).retryAfterSeconds).toBe(8);
  });
});

describe("turns", () => {
  /** So many requests that wait for their turn; their numbers, in the order in which it comes. */
  async function line(admission: Admission, count: number): Promise<number[]> {
    const served: number[] = [];
    for (const [number, permit] of admitMany(admission, count).entries())
      void Promise.resolve(permit.acquire()).then(() => served.push(number));
    await settle();
    return served;
  }

  /** Everything that waits for nothing but promises. */
  function settle(): Promise<void> {
    return new Promise((resume) => setImmediate(resume));
  }

  /** The newest first, which is how the timers of different requests end in workerd. */
  async function endPauses(): Promise<void> {
    for (const resume of pauses.splice(0).reverse()) resume();
    await settle();
  }

  async function begin(serviceMs: number): Promise<Admission> {
    const admission = admissionOf();
    await admission.admit().acquire();
    learn(admission, serviceMs);
    return admission;
  }

  test("the first request of an isolate waits for nothing", async () => {
    const admission = admissionOf();
    await admission.admit().acquire();
    expect(pauses).toHaveLength(0);
  });

  test("have as many places as take 50 ms by the average, in the order of arrival", async () => {
    const admission = await begin(15);
    const served = await line(admission, 8);
    expect(served).toEqual([]);
    for (const expected of [
      [0, 1, 2],
      [0, 1, 2, 3, 4, 5],
      [0, 1, 2, 3, 4, 5, 6, 7],
    ]) {
      await endPauses();
      expect(served.toSorted()).toEqual(expected);
    }
    expect(pauses).toHaveLength(0);
  });

  test("have one place when a request takes longer", async () => {
    const served = await line(await begin(400), 3);
    for (const expected of [[0], [0, 1], [0, 1, 2]]) {
      await endPauses();
      expect(served).toEqual(expected);
    }
  });

  test("have 25 places where the clock stands still", async () => {
    const served = await line(await begin(0), 60);
    for (const expected of [25, 50, 60]) {
      await endPauses();
      expect(served).toHaveLength(expected);
    }
  });

  test.each([
    [0.5, 100],
    [0.001, 400],
  ])("have as many places for requests of %f ms as %i", async (serviceMs, places) => {
    const served = await line(await begin(serviceMs), 500);
    await endPauses();
    expect(served).toHaveLength(places);
  });

  test("give the places that are left to those who come later, without a pause", async () => {
    const admission = await begin(10);
    const first = await line(admission, 2);
    await endPauses();
    expect(first).toHaveLength(2);
    expect(await line(admission, 3)).toEqual([0, 1, 2]);
    expect(await line(admission, 1)).toEqual([]);
  });

  test("let nobody overtake those who wait", async () => {
    const admission = await begin(25);
    const early = await line(admission, 3);
    await endPauses();
    const late = await line(admission, 3);
    expect([early.length, late.length]).toEqual([2, 0]);
    await endPauses();
    expect([early.length, late.length]).toEqual([3, 1]);
    await endPauses();
    expect([early.length, late.length]).toEqual([3, 3]);
  });

  test("end when a request in the middle of its work yields", async () => {
    const admission = await begin(10);
    const long = admission.admit();
    const first = line(admission, 1);
    const begun = long.acquire();
    await endPauses();
    await Promise.all([first, begun]);
    const order: string[] = [];
    const late = admission.admit();
    const yielded = long.yield().then(() => order.push("long"));
    const others = Promise.resolve(late.acquire()).then(() => order.push("late"));
    expect(pauses).toHaveLength(2);
    await endPauses();
    await Promise.all([yielded, others]);
    expect(order.toSorted()).toEqual(["late", "long"]);
  });

  test("go on when the request that waits first has been cut off", async () => {
    const admission = await begin(30);
    const served = await line(admission, 3);
    pauses.shift();
    for (const expected of [[], [1], [1, 2]]) {
      await endPauses();
      expect(served).toEqual(expected);
    }
  });

  test("are waited for by requests that count as in flight", async () => {
    const admission = admissionOf({ maxInFlight: 5 });
    await line(admission, 5);
    refusal("overloaded", () => admission.admit());
  });
});

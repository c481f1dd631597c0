import { beforeEach, describe, expect, test } from "vitest";
import type { Admission, Permit } from "../../../src/domain/admission.ts";
import type { ApiError, ErrorCode } from "../../../src/domain/errors.ts";
import { createAdmission } from "../../../src/inference/admission.ts";
import { catchApiError } from "../../support/errors.ts";

/** Estimated waits, with a clock that the tests set, and time slices, with pauses that the tests end. */

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

/** Sets the average: the first sample is used unchanged. */
function sampleService(admission: Admission, serviceMs: number): void {
  admission.admit().release(serviceMs);
}

function admitMany(admission: Admission, count: number): Permit[] {
  return Array.from({ length: count }, () => admission.admit());
}

function refusal(code: ErrorCode, work: () => unknown): ApiError & { retryAfterSeconds: unknown } {
  const error = catchApiError(code, work);
  return Object.assign(error, { retryAfterSeconds: error.details?.retryAfterSeconds });
}

describe("the limit of requests in flight", () => {
  test("a request beyond the limit in flight is refused until another one is released", () => {
    const admission = admissionOf({ maxInFlight: 3 });
    const [first] = admitMany(admission, 3);
    const { message, retryAfterSeconds } = refusal("overloaded", () => admission.admit());
    expect(message).toBe("3 requests are in flight, the most accepted. Try again in 1 s.");
    expect(retryAfterSeconds).toBe(1);
    first?.release(undefined);
    admission.admit();
    refusal("overloaded", () => admission.admit());
  });

  test("the limit in flight applies also while service times are unknown", () => {
    const admission = admissionOf({ maxInFlight: 1, maxQueueMs: 0 });
    admission.admit();
    refusal("overloaded", () => admission.admit());
  });

  test("a permit that is released twice is counted once", () => {
    const admission = admissionOf({ maxInFlight: 2 });
    const [first] = admitMany(admission, 2);
    for (let time = 0; time < 3; time++) first?.release(5);
    admission.admit();
    refusal("overloaded", () => admission.admit());
  });

  test("a refused request does not count as in flight", () => {
    const admission = admissionOf({ maxInFlight: 1 });
    const permit = admission.admit();
    for (let time = 0; time < 5; time++) refusal("overloaded", () => admission.admit());
    permit.release(undefined);
    admission.admit();
  });

  test("a permit that is never released expires half a minute after its deadline", () => {
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

  test("retry-after at the limit in flight is the time until the queue is empty, by the average", () => {
    const admission = admissionOf({ maxInFlight: 10 });
    sampleService(admission, 700);
    admitMany(admission, 10);
    // Ten requests of 0.7 s are in the queue.
    expect(refusal("overloaded", () => admission.admit()).retryAfterSeconds).toBe(7);
  });
});

describe("the estimated wait", () => {
  test("a request is refused if the requests in flight times the average exceed the limit", () => {
    const admission = admissionOf({ maxQueueMs: 100 });
    sampleService(admission, 20);
    // The sixth waits for five, 100 ms; the seventh would wait for six.
    admitMany(admission, 6);
    const { message, retryAfterSeconds } = refusal("overloaded", () => admission.admit());
    expect(message).toBe(
      "The estimated wait of 120 ms is over the limit of 100 ms. Try again in 1 s.",
    );
    expect(retryAfterSeconds).toBe(1);
  });

  test("one request may always wait for another", () => {
    const admission = admissionOf({ maxQueueMs: 100 });
    sampleService(admission, 4000);
    admitMany(admission, 2);
    // 8000 ms estimated, 4000 ms accepted, plus the average of one: it will be accepted in 8 s.
    expect(refusal("overloaded", () => admission.admit()).retryAfterSeconds).toBe(8);
  });

  test("the estimated wait decreases with each request that ends", () => {
    const admission = admissionOf({ maxQueueMs: 100 });
    sampleService(admission, 20);
    const permits = admitMany(admission, 6);
    refusal("overloaded", () => admission.admit());
    permits[0]?.release(20);
    admission.admit();
    refusal("overloaded", () => admission.admit());
  });

  test("the estimated wait is 0 while service times are unknown", () => {
    const admission = admissionOf({ maxQueueMs: 0 });
    expect(admitMany(admission, 50)).toHaveLength(50);
  });
});

describe("the average", () => {
  /** The average, read from the error of a full queue of one. */
  function averageOf(admission: Admission): number {
    const permit = admission.admit();
    const { message } = refusal("deadline_exceeded", () => admission.admit(0.001));
    permit.release(undefined);
    return Number(/estimated wait of (\d+) ms/.exec(message)?.[1]);
  }

  test("the average begins with the first sample, and moves by a tenth towards each further one", () => {
    const admission = admissionOf();
    sampleService(admission, 100);
    expect(averageOf(admission)).toBe(100);
    sampleService(admission, 200);
    expect(averageOf(admission)).toBe(110);
    sampleService(admission, 10);
    expect(averageOf(admission)).toBe(100);
  });

  test("the average converges to a new level", () => {
    const admission = admissionOf();
    sampleService(admission, 1000);
    for (let sample = 0; sample < 60; sample++) sampleService(admission, 10);
    // 10 + 990 * 0.9^60, rounded up.
    expect(averageOf(admission)).toBe(12);
  });

  test("requests that did not run the model do not change the average", () => {
    const admission = admissionOf();
    sampleService(admission, 50);
    for (let time = 0; time < 20; time++) admission.admit().release(undefined);
    expect(averageOf(admission)).toBe(50);
  });

  test("a sample of 0, as of a clock that stands still, changes the average", () => {
    const admission = admissionOf({ maxQueueMs: 0 });
    for (let time = 0; time < 20; time++) sampleService(admission, 0);
    expect(admitMany(admission, 100)).toHaveLength(100);
  });
});

describe("a deadline", () => {
  test("a request whose deadline is before its estimated wait is refused at once", () => {
    const admission = admissionOf();
    sampleService(admission, 40);
    admitMany(admission, 3);
    const { message, retryAfterSeconds } = refusal("deadline_exceeded", () => admission.admit(100));
    expect(message).toBe(
      "The estimated wait of 120 ms is over the request's timeout of 100 ms. Try again in 1 s.",
    );
    expect(retryAfterSeconds).toBe(1);
    admission.admit(120);
  });

  test("retry-after is the time after which a deadline could be met", () => {
    const admission = admissionOf();
    sampleService(admission, 1000);
    admitMany(admission, 10);
    // 10 s estimated, 3 s allowed, plus the average of one.
    const { retryAfterSeconds } = refusal("deadline_exceeded", () => admission.admit(3000));
    expect(retryAfterSeconds).toBe(8);
  });

  test("a request without a timeout has the default deadline", () => {
    const admission = admissionOf({ defaultTimeoutMs: 50 });
    sampleService(admission, 60);
    admission.admit();
    expect(refusal("deadline_exceeded", () => admission.admit()).message).toContain(
      "timeout of 50 ms",
    );
    admission.admit(100);
  });

  test("a deadline passes when its time has elapsed", () => {
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

  test("a deadline can be brought forward, but not postponed", () => {
    const permit = admissionOf().admit(250);
    permit.deadline.limit(1000);
    nowMs += 200;
    permit.deadline.check();
    permit.deadline.limit(100);
    refusal("deadline_exceeded", () => permit.deadline.check());
    permit.deadline.limit(1000);
    refusal("deadline_exceeded", () => permit.deadline.check());
  });

  test("retry-after of a passed deadline is the time until the queue is empty", () => {
    const admission = admissionOf();
    sampleService(admission, 2000);
    const [permit] = admitMany(admission, 4);
    permit?.deadline.limit(10);
    nowMs += 11;
    // Four requests of 2 s, itself among them.
    expect(refusal("deadline_exceeded", () => permit?.deadline.check()).retryAfterSeconds).toBe(8);
  });
});

describe("time slices", () => {
  /** Queues requests; returns the numbers of those that have acquired their permit, in their order. */
  async function queue(admission: Admission, count: number): Promise<number[]> {
    const served: number[] = [];
    for (const [number, permit] of admitMany(admission, count).entries())
      void Promise.resolve(permit.acquire()).then(() => served.push(number));
    await settle();
    return served;
  }

  /** Waits until all pending promise reactions have run. */
  function settle(): Promise<void> {
    return new Promise((resume) => setImmediate(resume));
  }

  /** Ends the newest first, as the timers of different requests do in workerd. */
  async function endPauses(): Promise<void> {
    for (const resume of pauses.splice(0).reverse()) resume();
    await settle();
  }

  async function begin(serviceMs: number): Promise<Admission> {
    const admission = admissionOf();
    await admission.admit().acquire();
    sampleService(admission, serviceMs);
    return admission;
  }

  test("the first request of an isolate does not wait", async () => {
    const admission = admissionOf();
    await admission.admit().acquire();
    expect(pauses).toHaveLength(0);
  });

  test("a time slice runs as many requests as take 50 ms by the average, in the order of arrival", async () => {
    const admission = await begin(15);
    const served = await queue(admission, 8);
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

  test("a time slice runs one request if that takes longer", async () => {
    const served = await queue(await begin(400), 3);
    for (const expected of [[0], [0, 1], [0, 1, 2]]) {
      await endPauses();
      expect(served).toEqual(expected);
    }
  });

  test("a time slice runs 25 requests where the clock stands still", async () => {
    const served = await queue(await begin(0), 60);
    for (const expected of [25, 50, 60]) {
      await endPauses();
      expect(served).toHaveLength(expected);
    }
  });

  test.each([
    [0.5, 100],
    [0.001, 400],
  ])("with requests of %f ms a time slice runs %i of them", async (serviceMs, requests) => {
    const served = await queue(await begin(serviceMs), 500);
    await endPauses();
    expect(served).toHaveLength(requests);
  });

  test("requests that arrive during a time slice run in the rest of it, without a pause", async () => {
    const admission = await begin(10);
    const first = await queue(admission, 2);
    await endPauses();
    expect(first).toHaveLength(2);
    expect(await queue(admission, 3)).toEqual([0, 1, 2]);
    expect(await queue(admission, 1)).toEqual([]);
  });

  test("requests that arrive later do not overtake those in the queue", async () => {
    const admission = await begin(25);
    const early = await queue(admission, 3);
    await endPauses();
    const late = await queue(admission, 3);
    expect([early.length, late.length]).toEqual([2, 0]);
    await endPauses();
    expect([early.length, late.length]).toEqual([3, 1]);
    await endPauses();
    expect([early.length, late.length]).toEqual([3, 3]);
  });

  test("a time slice ends when a request yields during its work", async () => {
    const admission = await begin(10);
    const long = admission.admit();
    const first = queue(admission, 1);
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

  test("time slices continue when the first request in the queue has been cancelled", async () => {
    const admission = await begin(30);
    const served = await queue(admission, 3);
    pauses.shift();
    for (const expected of [[], [1], [1, 2]]) {
      await endPauses();
      expect(served).toEqual(expected);
    }
  });

  test("requests in the queue count as in flight", async () => {
    const admission = admissionOf({ maxInFlight: 5 });
    await queue(admission, 5);
    refusal("overloaded", () => admission.admit());
  });
});

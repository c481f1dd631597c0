import { beforeEach, describe, expect, test } from "vitest";
import type { Admission, Permit, SpareAdmission } from "../../../src/domain/admission.ts";
import { neverAborted } from "../../../src/domain/call.ts";
import type { ApiError, ErrorCode } from "../../../src/domain/errors.ts";
import { createAdmission } from "../../../src/inference/admission.ts";
import { catchApiError, rejectedApiError } from "../../support/errors.ts";

/** Estimated waits, with a clock that the tests set, and time slices, with pauses that the tests end. */

const MODEL = "model";
const CLIENT = { signal: neverAborted() };

let nowMs: number;
let pauses: (() => void)[];

beforeEach(() => {
  nowMs = 1000;
  pauses = [];
});

function admissionOf(
  options: { maxInFlight?: number; maxQueueMs?: number; maxTimeoutMs?: number } = {},
): SpareAdmission {
  return createAdmission({
    maxInFlight: 1000,
    maxQueueMs: 1_000_000,
    maxTimeoutMs: 1_000_000,
    now: () => nowMs,
    pause: () => new Promise((resume) => pauses.push(resume)),
    ...options,
  });
}

/** Of a model whose name matters only where there are several. */
function admit(admission: Admission, timeoutMs?: number, model = MODEL): Permit {
  return admission.admit({ deadline: admission.begin(timeoutMs), model });
}

/** Sets the average: the first sample is used unchanged. */
function sampleService(admission: Admission, serviceMs: number): void {
  admit(admission).release(serviceMs);
}

function admitMany(admission: Admission, count: number): Permit[] {
  return Array.from({ length: count }, () => admit(admission));
}

function refusal(code: ErrorCode, work: () => unknown): ApiError & { retryAfterSeconds: unknown } {
  const error = catchApiError(code, work);
  return Object.assign(error, { retryAfterSeconds: error.details?.retryAfterSeconds });
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

describe("the limit of requests in flight", () => {
  test("a request beyond the limit in flight is refused until another one is released", () => {
    const admission = admissionOf({ maxInFlight: 3 });
    const [first] = admitMany(admission, 3);
    const { message, retryAfterSeconds } = refusal("overloaded", () => admit(admission));
    expect(message).toBe("3 requests are in flight, the most accepted. Try again in 1 s.");
    expect(retryAfterSeconds).toBe(1);
    first?.release(undefined);
    admit(admission);
    refusal("overloaded", () => admit(admission));
  });

  test("the limit in flight applies also while service times are unknown", () => {
    const admission = admissionOf({ maxInFlight: 1, maxQueueMs: 0 });
    admit(admission);
    refusal("overloaded", () => admit(admission));
  });

  test("a permit that is released twice is counted once", () => {
    const admission = admissionOf({ maxInFlight: 2 });
    const [first] = admitMany(admission, 2);
    for (let time = 0; time < 3; time++) first?.release(5);
    admit(admission);
    refusal("overloaded", () => admit(admission));
  });

  test("a refused request does not count as in flight", () => {
    const admission = admissionOf({ maxInFlight: 1 });
    const permit = admit(admission);
    for (let time = 0; time < 5; time++) refusal("overloaded", () => admit(admission));
    permit.release(undefined);
    admit(admission);
  });

  test("a permit that is never released expires half a minute after its deadline", () => {
    const admission = admissionOf({ maxInFlight: 2 });
    admit(admission, 1000);
    const lasting = admit(admission, 60_000);
    nowMs += 31_000;
    refusal("overloaded", () => admit(admission));
    nowMs += 1;
    const late = admit(admission);
    refusal("overloaded", () => admit(admission));
    for (const permit of [lasting, late]) permit.release(undefined);
    expect(admitMany(admission, 2)).toHaveLength(2);
  });

  test.each([
    ["count", 2],
    ["estimated wait", 10],
  ])(
    "requests that the platform ended refuse no others by their %s when their permits have expired",
    (_, maxInFlight) => {
      const admission = admissionOf({ maxInFlight, maxQueueMs: 100 });
      sampleService(admission, 500);
      const check = () => admission.check({ deadline: admission.begin(1000), model: MODEL });
      for (let count = 0; count < 2; count++) admit(admission, 1000);
      nowMs += 31_000;
      refusal("overloaded", check);
      nowMs += 1;
      expect(check).not.toThrow();
    },
  );

  test("retry-after at the limit in flight is the time until the queue is empty, by the average", () => {
    const admission = admissionOf({ maxInFlight: 10 });
    sampleService(admission, 700);
    admitMany(admission, 10);
    // Ten requests of 0.7 s are in the queue.
    expect(refusal("overloaded", () => admit(admission)).retryAfterSeconds).toBe(7);
  });
});

describe("the estimated wait", () => {
  test("a request is refused if the requests in flight times the average exceed the limit", () => {
    const admission = admissionOf({ maxQueueMs: 100 });
    sampleService(admission, 20);
    // The sixth waits for five, 100 ms; the seventh would wait for six.
    admitMany(admission, 6);
    const { message, retryAfterSeconds } = refusal("overloaded", () => admit(admission));
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
    expect(refusal("overloaded", () => admit(admission)).retryAfterSeconds).toBe(8);
  });

  test("the estimated wait decreases with each request that ends", () => {
    const admission = admissionOf({ maxQueueMs: 100 });
    sampleService(admission, 20);
    const permits = admitMany(admission, 6);
    refusal("overloaded", () => admit(admission));
    permits[0]?.release(20);
    admit(admission);
    refusal("overloaded", () => admit(admission));
  });

  test("the estimated wait is 0 while service times are unknown", () => {
    const admission = admissionOf({ maxQueueMs: 0 });
    expect(admitMany(admission, 50)).toHaveLength(50);
  });
});

describe("the average", () => {
  /** The average, read from the error of a full queue of one. */
  function averageOf(admission: Admission): number {
    const permit = admit(admission);
    const { message } = refusal("deadline_exceeded", () => admit(admission, 0.001));
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
    for (let time = 0; time < 20; time++) admit(admission).release(undefined);
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
    const { message, retryAfterSeconds } = refusal("deadline_exceeded", () =>
      admit(admission, 100),
    );
    expect(message).toBe(
      "The estimated wait of 120 ms is over what is left of the request's timeout of 100 ms. Try again in 1 s.",
    );
    expect(retryAfterSeconds).toBe(1);
    admit(admission, 120);
  });

  test("retry-after is the time after which a deadline could be met", () => {
    const admission = admissionOf();
    sampleService(admission, 1000);
    admitMany(admission, 10);
    // 10 s estimated, 3 s allowed, plus the average of one.
    const { retryAfterSeconds } = refusal("deadline_exceeded", () => admit(admission, 3000));
    expect(retryAfterSeconds).toBe(8);
  });

  test("the deadline of a request is at most the configured one, which is the default", () => {
    const admission = admissionOf({ maxTimeoutMs: 50 });
    sampleService(admission, 60);
    admit(admission);
    expect(refusal("deadline_exceeded", () => admit(admission)).message).toContain(
      "timeout of 50 ms",
    );
    refusal("deadline_exceeded", () => admit(admission, 100));
    const timeouts = [undefined, 49, 50, 51, 999_999_999].map(
      (own) => admission.begin(own).timeoutMs,
    );
    expect(timeouts).toEqual([50, 49, 50, 50, 50]);
  });

  test("a deadline passes when its time has elapsed", () => {
    const deadline = admissionOf().begin(250);
    deadline.check();
    nowMs += 250;
    deadline.check();
    nowMs += 1;
    const { message, retryAfterSeconds } = refusal("deadline_exceeded", () => deadline.check());
    expect(message).toBe("The request's timeout of 250 ms passed after 251 ms. Try again in 1 s.");
    expect(retryAfterSeconds).toBe(1);
  });

  test("a deadline can be brought forward, but not postponed", () => {
    const deadline = admissionOf().begin(250);
    deadline.limit(1000);
    nowMs += 200;
    deadline.check();
    deadline.limit(100);
    refusal("deadline_exceeded", () => deadline.check());
    deadline.limit(1000);
    refusal("deadline_exceeded", () => deadline.check());
  });

  test("retry-after of a passed deadline is the time until the queue is empty", () => {
    const admission = admissionOf();
    sampleService(admission, 2000);
    const deadline = admission.begin();
    admitMany(admission, 4);
    deadline.limit(10);
    nowMs += 11;
    // Four requests of 2 s, itself among them.
    expect(refusal("deadline_exceeded", () => deadline.check()).retryAfterSeconds).toBe(8);
  });
});

describe("time slices", () => {
  /** Queues requests; returns the numbers of those that have acquired their permit, in their order. */
  async function queue(admission: Admission, count: number): Promise<number[]> {
    const served: number[] = [];
    for (const [number, permit] of admitMany(admission, count).entries())
      void Promise.resolve(permit.acquire(CLIENT)).then(() => served.push(number));
    await settle();
    return served;
  }

  async function begin(serviceMs: number): Promise<Admission> {
    const admission = admissionOf();
    await admit(admission).acquire(CLIENT);
    sampleService(admission, serviceMs);
    return admission;
  }

  test("the first request of an isolate does not wait", async () => {
    const admission = admissionOf();
    await admit(admission).acquire(CLIENT);
    expect(pauses).toHaveLength(0);
  });

  test("a time slice runs as many requests as take 25 ms by the average, in the order of arrival", async () => {
    const admission = await begin(7.5);
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
    [0.25, 100],
    [0.001, 400],
  ])("with requests of %f ms a time slice runs %i of them", async (serviceMs, requests) => {
    const served = await queue(await begin(serviceMs), 500);
    await endPauses();
    expect(served).toHaveLength(requests);
  });

  test("requests that arrive during a time slice run in the rest of it, without a pause", async () => {
    const admission = await begin(5);
    const first = await queue(admission, 2);
    await endPauses();
    expect(first).toHaveLength(2);
    expect(await queue(admission, 3)).toEqual([0, 1, 2]);
    expect(await queue(admission, 1)).toEqual([]);
  });

  test("requests that arrive later do not overtake those in the queue", async () => {
    const admission = await begin(12.5);
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
    const admission = await begin(5);
    const long = admit(admission);
    const first = queue(admission, 1);
    const begun = long.acquire(CLIENT);
    await endPauses();
    await Promise.all([first, begun]);
    const order: string[] = [];
    const late = admit(admission);
    const yielded = long.yield(10, CLIENT).then(() => order.push("long"));
    const others = Promise.resolve(late.acquire(CLIENT)).then(() => order.push("late"));
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
    refusal("overloaded", () => admit(admission));
  });
});

describe("several models", () => {
  /** A heavy model of 45 ms a request, and a light one of 1 ms. */
  function begin(options: Parameters<typeof admissionOf>[0] = {}): Admission {
    const admission = admissionOf(options);
    for (let sample = 0; sample < 60; sample++) {
      admit(admission, undefined, "heavy").release(45);
      admit(admission, undefined, "light").release(1);
    }
    return admission;
  }

  const admitHeavy = (admission: Admission): Permit => admit(admission, undefined, "heavy");
  const admitLight = (admission: Admission): Permit => admit(admission, undefined, "light");

  test("the requests of a heavy model do not use up the estimated wait of a light one", () => {
    const admission = begin({ maxQueueMs: 100 });
    for (let request = 0; request < 3; request++) admitHeavy(admission);
    refusal("overloaded", () => admitHeavy(admission));
    // It waits for one request of the heavy model, 45 ms.
    admitLight(admission);
  });

  test("a light model is refused for its own requests, and for as much of the others", () => {
    const admission = begin({ maxQueueMs: 100 });
    for (let request = 0; request < 3; request++) admitHeavy(admission);
    // 28 requests of 1 ms, while the heavy model gets 28 ms and ends the 45 ms that it has begun: 101 ms.
    for (let request = 0; request < 28; request++) admitLight(admission);
    expect(refusal("overloaded", () => admitLight(admission)).message).toContain(
      "wait of 101 ms is over the limit of 100 ms",
    );
  });

  test("what a request has done already does not count as waiting", async () => {
    const admission = begin({ maxQueueMs: 80 });
    const [first, second] = [admitHeavy(admission), admitHeavy(admission)];
    refusal("overloaded", () => admitHeavy(admission));
    void first?.yield(30, CLIENT);
    // 15 ms and 45 ms are left.
    admitHeavy(admission);
    second?.release(undefined);
  });

  test("requests with larger bodies are expected to take the time of such requests", () => {
    const admission = admissionOf({ maxQueueMs: 100 });
    const admitOf = (bodyBytes: number): Permit =>
      admission.admit({ deadline: admission.begin(), model: "texts", bodyBytes });
    for (let sample = 0; sample < 5; sample++) {
      admitOf(100).release(2);
      admitOf(1_000_000).release(900);
    }
    // 40 of 2 ms; one of 900 ms follows, and nothing after it.
    for (let request = 0; request < 40; request++) admitOf(200);
    admitOf(2_000_000);
    refusal("overloaded", () => admitOf(200));
  });

  test("the last eighth of the requests in flight is for models with few of them", () => {
    const admission = admissionOf({ maxInFlight: 32 });
    for (let request = 0; request < 28; request++) admitHeavy(admission);
    expect(refusal("overloaded", () => admitHeavy(admission)).message).toBe(
      "28 requests are in flight, 28 of them for this model: the last 4 of 32 are for other models. Try again in 1 s.",
    );
    for (let request = 0; request < 4; request++) admitLight(admission);
    expect(refusal("overloaded", () => admitLight(admission)).message).toContain(
      "32 requests are in flight, the most accepted",
    );
  });

  test("a request is checked before its body is read, without a permit", () => {
    const admission = admissionOf({ maxInFlight: 1 });
    const check = (model?: string): void => admission.check({ deadline: admission.begin(), model });
    check("heavy");
    check();
    const permit = admitHeavy(admission);
    refusal("overloaded", () => check("light"));
    refusal("overloaded", () => check());
    permit.release(undefined);
    check("light");
  });

  test("a light model's request runs before the backlog of a heavy one", async () => {
    const admission = begin();
    await admitHeavy(admission).acquire(CLIENT);
    const served: string[] = [];
    const enqueue = (permit: Permit, name: string): void => {
      void Promise.resolve(permit.acquire(CLIENT)).then(() => served.push(name));
    };
    for (let request = 0; request < 4; request++) enqueue(admitHeavy(admission), "heavy");
    enqueue(admitLight(admission), "light");
    await endPauses();
    expect(served).toContain("light");
    expect(served.length).toBeLessThanOrEqual(2);
  });

  test("two models with requests in the queue get the same share of the time", async () => {
    const admission = begin();
    await admitHeavy(admission).acquire(CLIENT);
    const served = { heavy: 0, light: 0 };
    for (let request = 0; request < 10; request++)
      void admitHeavy(admission)
        .acquire(CLIENT)
        ?.then(() => served.heavy++);
    for (let request = 0; request < 400; request++)
      void admitLight(admission)
        .acquire(CLIENT)
        ?.then(() => served.light++);
    for (let slice = 0; slice < 8; slice++) await endPauses();
    // 8 slices of 25 ms: 45 ms of the heavy model are 45 requests of the light one.
    expect(Math.abs(served.heavy * 45 - served.light)).toBeLessThanOrEqual(50);
    expect(served.heavy).toBeGreaterThanOrEqual(2);
  });

  test("a client that leaves the queue ends its request, and the next one has its place", async () => {
    const admission = begin();
    await admitHeavy(admission).acquire(CLIENT);
    const leaving = new AbortController();
    const left = admitHeavy(admission).acquire({ signal: leaving.signal });
    const next = admitHeavy(admission).acquire(CLIENT);
    const rejected = rejectedApiError("client_closed_request", left ?? Promise.resolve());
    leaving.abort();
    for (let slice = 0; slice < 2; slice++) await endPauses();
    await rejected;
    await next;
  });
});

describe("work that gives way to requests", () => {
  test("is not admitted while requests use more than a quarter of a limit", () => {
    const admission = admissionOf({ maxInFlight: 8, maxQueueMs: 100 });
    const permits = admitMany(admission, 2);
    expect(admission.admitSpare({ model: MODEL })).toBeDefined();
    permits.push(admit(admission));
    expect(admission.admitSpare({ model: MODEL })).toBeUndefined();
    for (const permit of permits) permit.release(undefined);
    sampleService(admission, 20);
    admit(admission);
    expect(admission.admitSpare({ model: MODEL })).toBeDefined();
    admit(admission);
    expect(admission.admitSpare({ model: MODEL })).toBeUndefined();
  });

  test("is admitted when the permits of lost requests have expired", () => {
    const admission = admissionOf({ maxInFlight: 4 });
    for (let count = 0; count < 2; count++) admit(admission, 1000);
    expect(admission.admitSpare({ model: MODEL })).toBeUndefined();
    nowMs += 31_001;
    expect(admission.admitSpare({ model: MODEL })).toBeDefined();
  });

  test("counts neither among the requests in flight nor in their waits", () => {
    const admission = admissionOf({ maxInFlight: 4, maxQueueMs: 0 });
    admission.admitSpare({ model: MODEL })?.release(500);
    for (let count = 0; count < 10; count++) admission.admitSpare({ model: MODEL });
    expect(admitMany(admission, 4)).toHaveLength(4);
    refusal("overloaded", () => admit(admission));
  });

  test("is served after all requests that wait, in the order of arrival", async () => {
    const admission = admissionOf();
    const order: string[] = [];
    const wait = (name: string, permit: Permit | undefined): void => {
      void permit?.acquire(CLIENT)?.then(() => order.push(name));
    };
    // Takes the whole slice, as its time is not known.
    expect(admit(admission).acquire(CLIENT)).toBeUndefined();
    wait("first copy", admission.admitSpare({ model: MODEL }));
    wait("second copy", admission.admitSpare({ model: MODEL }));
    wait("request", admit(admission));
    for (let pauses = 0; pauses < 20; pauses++) await endPauses();
    expect(order).toEqual(["request", "first copy", "second copy"]);
  });

  test("leaves pauses to requests that arrived while it ran, until they are read", async () => {
    const admission = admissionOf();
    const order: string[] = [];
    const copy = (name: string): void => {
      void admission
        .admitSpare({ model: MODEL })
        ?.acquire(CLIENT)
        ?.then(() => order.push(name));
    };
    expect(admission.admitSpare({ model: MODEL })?.acquire(CLIENT)).toBeUndefined();
    copy("second copy");
    // The head of the request, its body, and what names its model.
    for (let pauses = 0; pauses < 3; pauses++) await endPauses();
    expect(order).toEqual([]);
    void Promise.resolve(admit(admission).acquire(CLIENT)).then(() => order.push("request"));
    for (let pauses = 0; pauses < 20; pauses++) await endPauses();
    expect(order).toEqual(["request", "second copy"]);
  });

  test("that waits does not keep a request from the time of the current slice", () => {
    const admission = admissionOf();
    sampleService(admission, 1);
    expect(admit(admission).acquire(CLIENT)).toBeUndefined();
    // Its own time is not known, so that it would take a whole slice.
    expect(admission.admitSpare({ model: MODEL })?.acquire(CLIENT)).toBeDefined();
    expect(admit(admission).acquire(CLIENT)).toBeUndefined();
  });

  test("ends its time slice at a yield, and waits again", async () => {
    const admission = admissionOf();
    const permit = admission.admitSpare({ model: MODEL });
    expect(permit?.acquire(CLIENT)).toBeUndefined();
    let resumed = false;
    void permit?.yield(5, CLIENT).then(() => {
      resumed = true;
    });
    await settle();
    expect(resumed).toBe(false);
    for (let pauses = 0; pauses < 10; pauses++) await endPauses();
    expect(resumed).toBe(true);
  });

  test("that is given up leaves the queue", async () => {
    const admission = admissionOf();
    expect(admit(admission).acquire(CLIENT)).toBeUndefined();
    const leaving = new AbortController();
    const waiting = admission.admitSpare({ model: MODEL })?.acquire({ signal: leaving.signal });
    leaving.abort();
    const refused = rejectedApiError("client_closed_request", waiting ?? Promise.resolve());
    await endPauses();
    await refused;
  });
});

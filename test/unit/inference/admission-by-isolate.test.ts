import { describe, expect, test } from "vitest";
import type { Admission } from "../../../src/domain/admission.ts";
import { neverAborted } from "../../../src/domain/call.ts";
import { createAdmission } from "../../../src/inference/admission.ts";
import { createAdmissionByIsolate } from "../../../src/inference/admission-by-isolate.ts";
import { catchApiError } from "../../support/errors.ts";

/** Two models that share an isolate, and one that has its own. */
const OWN = "large";
const LIMIT = 2;
const CLIENT = { signal: neverAborted() };

function create({ maxQueueMs = 1_000_000 } = {}): Admission {
  const options = { maxInFlight: LIMIT, maxQueueMs, maxTimeoutMs: 1_000_000, now: () => 0 };
  return createAdmissionByIsolate({
    shared: createAdmission(options),
    createOwn: () => createAdmission({ ...options, isQueued: false, pause: async () => undefined }),
    isOwn: (model) => model === OWN,
  });
}

function admit(admission: Admission, model: string) {
  return admission.admit({ deadline: admission.begin(), model });
}

describe("a model with an isolate of its own", () => {
  test("has as many requests in flight as the shared isolate has beside it", () => {
    const admission = create();
    for (let i = 0; i < LIMIT; i++) admit(admission, OWN);
    for (let i = 0; i < LIMIT; i++) admit(admission, "small");
    catchApiError("overloaded", () => admit(admission, OWN));
    catchApiError("overloaded", () => admit(admission, "tiny"));
  });

  test("adds nothing to the estimated wait of others, nor they to its own", () => {
    const admission = create({ maxQueueMs: 10 });
    admit(admission, OWN).release(500);
    admit(admission, "small").release(2);
    admit(admission, OWN);
    admission.check({ deadline: admission.begin(), model: "small" });
    admit(admission, "small");
    admission.check({ deadline: admission.begin(), model: OWN });
    // One request may wait for another, but no third one for both.
    admit(admission, OWN);
    catchApiError("overloaded", () => admit(admission, OWN));
  });

  test("has no queue here: its permits are acquired at once", async () => {
    const admission = create();
    const [first, second] = [admit(admission, OWN), admit(admission, OWN)];
    expect(first.acquire(CLIENT)).toBeUndefined();
    expect(second.acquire(CLIENT)).toBeUndefined();
    await first.yield(30, CLIENT);
    await expect(first.yield(60, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "client_closed_request",
    });
  });

  test("gives back its permits", () => {
    const admission = create();
    const permits = Array.from({ length: LIMIT }, () => admit(admission, OWN));
    for (const permit of permits) permit.release(undefined);
    for (let i = 0; i < LIMIT; i++) admit(admission, OWN);
  });
});

test("requests without a known model count in the shared isolate", () => {
  const admission = create();
  for (let i = 0; i < LIMIT; i++)
    admission.admit({ deadline: admission.begin(), model: undefined });
  catchApiError("overloaded", () => admit(admission, "small"));
  admit(admission, OWN);
});

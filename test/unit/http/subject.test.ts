import { describe, expect, test } from "vitest";
import type { Call } from "../../../src/domain/call.ts";
import type { Subjects } from "../../../src/domain/subject.ts";
import type { Tensor } from "../../../src/domain/tensor.ts";
import { createTestApp, type TestServices } from "../../support/test-app.ts";

/** Requests that say whom they are about, with an `infer` that shows what it is told. */

const OUTPUT: Tensor = {
  name: "probabilities",
  datatype: "UINT8",
  shape: [1, 3],
  data: new Uint8Array(3),
};
const HASH = "5".repeat(32);
const subjects: Subjects = { hash: async (id) => (id === "user-42" ? HASH : "6".repeat(32)) };

function create(services: Pick<TestServices, "subjects"> = {}) {
  const calls: Call[] = [];
  let lookups = 0;
  const app = createTestApp({
    responseCache: {
      accepts: () => {
        lookups += 1;
        return false;
      },
      stores: () => false,
      lookup: () => undefined,
    },
    infer: async (_request, call) => {
      calls.push(call);
      return [OUTPUT];
    },
    ...services,
  });
  const infer = (headers: Record<string, string>): Promise<Response> | Response => {
    const inputs = [
      { name: "features", datatype: "FP32", shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] },
    ];
    const body = JSON.stringify({ inputs });
    return app.request("/v2/models/iris-logistic/infer", { method: "POST", body, headers });
  };
  return { app, calls, infer, lookups: () => lookups };
}

describe("a request with x-subject-id", () => {
  test("is a call of the hash of the subject, in no stored response, and varies by it", async () => {
    const { app, calls, infer, lookups } = create({ subjects });
    const response = await infer({ "x-subject-id": "user-42" });
    expect(response.status).toBe(200);
    expect(calls[0]).toMatchObject({ subject: HASH, cache: { noStore: false } });
    expect(calls[0]?.fork().subject).toBe(HASH);
    expect(lookups()).toBe(0);
    expect(response.headers.get("vary")).toContain("x-subject-id");
    expect(app.events[0]?.subject).toBe(HASH);
    expect(JSON.stringify(app.events)).not.toContain("user-42");
  });

  test("is answered without anything being kept where there is no key to hash it with", async () => {
    const { app, calls, infer } = create();
    expect((await infer({ "x-subject-id": "user-42", "cache-control": "max-age=5" })).status).toBe(
      200,
    );
    expect(calls[0]).toMatchObject({ cache: { noStore: true, maxAgeSeconds: 5 } });
    expect(calls[0]?.subject).toBeUndefined();
    expect(JSON.stringify(app.events)).not.toContain("user-42");
  });

  test.each(["", "two words", "one,two"])("that is %j is refused", async (id) => {
    const { calls, infer } = create({ subjects });
    const response = await infer({ "x-subject-id": id });
    expect(response.status).toBe(400);
    if (id) expect(await response.text()).not.toContain(id);
    expect(calls).toEqual([]);
  });
});

test("a request without it is looked up among stored responses, and varies by no subject", async () => {
  const { app, calls, infer, lookups } = create({ subjects });
  const response = await infer({});
  expect(calls[0]?.subject).toBeUndefined();
  expect(lookups()).toBe(1);
  expect(response.headers.get("vary") ?? "").not.toContain("x-subject-id");
  expect(app.events[0]?.subject).toBeUndefined();
});

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ObjectStore } from "../../../src/domain/object-store.ts";
import { NoAnswer } from "../../../src/shared/within.ts";
import { createR2ObjectStore } from "../../../src/storage/r2-object-store.ts";
import { testObjectStore } from "../../contracts/object-store.ts";
import { type Fault, FaultPlan } from "../../support/faults/fault-plan.ts";
import { withFaults } from "../../support/faults/faulty-binding.ts";
import { createMemoryBindings } from "../../support/faults/memory-bindings.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

stubWorkersGlobals();

/** For calls that never end. */
const SHORT_MS = 20;
/** For all others, however busy the machine is. */
const LONG_MS = 30_000;
const SMALL = new Uint8Array(1000).fill(7);
/** Not read at once. */
const LARGE = new Uint8Array(1_100_000).fill(7);

function create() {
  const plan = new FaultPlan();
  const bucket = withFaults(createMemoryBindings().MODELS, "MODELS", plan);
  return {
    plan,
    objects: createR2ObjectStore(bucket, { timeoutMs: LONG_MS }),
    impatient: createR2ObjectStore(bucket, { timeoutMs: SHORT_MS }),
  };
}

/** The store that ends calls which have a fault by which they would not end. */
function storeFor(fault: Fault, { objects, impatient }: ReturnType<typeof create>): ObjectStore {
  return fault === "hangs" || fault === "stalls" ? impatient : objects;
}

describe("objects in R2 without faults", () => {
  testObjectStore(async () => ({ objects: create().objects, dispose: async () => undefined }));
});

describe("objects in R2", () => {
  let subject: ReturnType<typeof create>;

  beforeEach(async () => {
    subject = create();
    await subject.objects.put("small", SMALL);
    await subject.objects.put("large", LARGE);
  });
  afterEach(() => vi.restoreAllMocks());

  const read = async (
    key: string,
    offset?: number,
    objects = subject.objects,
  ): Promise<Uint8Array> => {
    const object = await objects.get(key, offset);
    return new Uint8Array(await new Response(object?.body).arrayBuffer());
  };

  test.each<[key: string, fault: Fault, message: RegExp]>([
    ["small", "fails", /fails/],
    ["small", "hangs", /no answer within 20 ms/],
    ["small", "cut", /small has ended after 500 bytes of 1000/],
    ["small", "breaks", /breaks/],
    ["small", "stalls", /no answer within 20 ms/],
    ["small", "garbled", /small has arrived with other bytes than are stored/],
    ["large", "hangs", /no answer within 20 ms/],
    ["large", "cut", /large has ended after 550000 bytes of 1100000/],
    ["large", "breaks", /breaks/],
    ["large", "stalls", /no answer within 20 ms/],
  ])(
    "a %s object whose reading %s fails, and is read when that is over",
    async (key, fault, message) => {
      subject.plan.arm(0, fault);
      await expect(read(key, 0, storeFor(fault, subject))).rejects.toThrow(message);
      expect(await read(key)).toEqual(key === "small" ? SMALL : LARGE);
    },
  );

  test("the reason why a body fails is known besides what its stream says", async () => {
    subject.plan.arm(0, "stalls");
    const object = await subject.impatient.get("large");
    await expect(new Response(object?.body).arrayBuffer()).rejects.toThrow();
    expect(object?.failure?.()).toBeInstanceOf(NoAnswer);
  });

  test("the rest of an object that is cut off fails", async () => {
    subject.plan.arm(0, "cut");
    await expect(read("small", 900)).rejects.toThrow("small has ended after 50 bytes of 100");
    expect(await read("small", 900)).toEqual(SMALL.subarray(900));
  });

  test.each<[what: string, call: (objects: ObjectStore) => Promise<unknown>]>([
    ["head", (objects) => objects.head("small")],
    ["list", (objects) => Array.fromAsync(objects.list(""))],
    ["put", (objects) => objects.put("other", SMALL)],
    ["put", (objects) => objects.putStream("other", new Blob([LARGE]).stream(), LARGE.length)],
    ["put", (objects) => objects.putStream("other", new Blob([]).stream(), 0)],
    ["delete", (objects) => objects.delete(["small"])],
  ])("a %s that hangs ends with the time for it", async (_, call) => {
    subject.plan.arm(0, "hangs");
    await expect(call(subject.impatient)).rejects.toBeInstanceOf(NoAnswer);
    await call(subject.objects);
  });

  test("a body that its sender delays is no failure of R2", async () => {
    const slow = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          await new Promise((resume) => setTimeout(resume, 10 * SHORT_MS));
          controller.enqueue(SMALL);
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const { MODELS } = createMemoryBindings();
    const objects = createR2ObjectStore(MODELS, { timeoutMs: 2 * SHORT_MS });
    await objects.putStream("slow", slow, SMALL.length);
    expect((await objects.head("slow"))?.sizeBytes).toBe(SMALL.length);
  });

  test("an object that arrives too late is not left open", async () => {
    const cancelled = vi.spyOn(ReadableStream.prototype, "cancel");
    const { MODELS } = createMemoryBindings();
    await MODELS.put("small", SMALL);
    const { promise, resolve } = Promise.withResolvers<void>();
    const get: R2Bucket["get"] = async (key: string) => {
      await promise;
      return MODELS.get(key);
    };
    const late = createR2ObjectStore({ get } as unknown as R2Bucket, { timeoutMs: 1 });
    await expect(late.get("small")).rejects.toBeInstanceOf(NoAnswer);
    resolve();
    await vi.waitFor(() => expect(cancelled).toHaveBeenCalledTimes(1));
  });
});

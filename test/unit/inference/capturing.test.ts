import { beforeEach, describe, expect, test } from "vitest";
import type { OwnedData } from "../../../src/domain/cache.ts";
import { parseCacheControl } from "../../../src/domain/cache-control.ts";
import { type Call, createCall } from "../../../src/domain/call.ts";
import type { CaptureSettings } from "../../../src/domain/capture.ts";
import type { CaptureEvent } from "../../../src/domain/event.ts";
import { Media } from "../../../src/domain/media.ts";
import type { PublishedModel } from "../../../src/domain/published-model.ts";
import { requestHash } from "../../../src/domain/request-hash.ts";
import type { TaskRequest, TaskResult } from "../../../src/domain/task.ts";
import { createBodyBudget } from "../../../src/inference/body-budget.ts";
import {
  createCaptures,
  MAX_CAPTURES_AT_ONCE,
  MAX_CAPTURES_PER_MINUTE,
} from "../../../src/inference/captures.ts";
import { createCapturing } from "../../../src/inference/capturing.ts";
import { createCaptureStore } from "../../../src/storage/capture-store.ts";
import { createMemoryObjectStore } from "../../../src/storage/memory-object-store.ts";
import { createManifest } from "../../support/cache-harness.ts";

const SUBJECT = "5".repeat(32);
const NOW = Date.UTC(2026, 10, 30);
const DAY_MS = 86_400_000;

let objects: ReturnType<typeof createMemoryObjectStore>;
let store: ReturnType<typeof createCaptureStore>;
let events: CaptureEvent[];
let pending: Promise<unknown>[];
let clock: number;
let isErased: (data: OwnedData) => boolean;

beforeEach(() => {
  objects = createMemoryObjectStore();
  store = createCaptureStore(objects, async () => new Uint8Array(32));
  events = [];
  pending = [];
  clock = NOW;
  isErased = () => false;
});

function modelWith(settings?: Partial<CaptureSettings>): PublishedModel {
  const whole = { sample: 1, retentionDays: 30, inputs: true, outputs: true, maxBytes: 10_000 };
  const manifest = createManifest(settings ? { capture: { ...whole, ...settings } } : {});
  return { name: "echo", version: "1", revision: "r", versions: ["1"], manifest };
}

interface Options {
  readonly salt?: string;
  readonly limitBytes?: number;
  readonly runTask?: (request: TaskRequest) => Promise<TaskResult>;
}

function create({ salt, limitBytes = 1_000_000, runTask }: Options = {}) {
  return createCapturing({
    infer: async ({ inputs }) => inputs,
    runTask: async (_model, request) =>
      runTask ? runTask(request) : { kind: "value", value: { label: "yes" }, form: "one" },
    ...(salt && { salt }),
    storeCapture: createCaptures({
      store,
      isErased: (data) => isErased(data),
      bodies: createBodyBudget({ limitBytes }),
      sink: { emit: (event) => void events.push(event as CaptureEvent) },
      now: () => clock,
    }),
  });
}

function callOf(options: Partial<Call> = {}): Call {
  return createCall({
    id: "request-1",
    principal: { id: async () => "abcdefghijkl" },
    waitUntil: (work) => void pending.push(work),
    onEnd: (listener) => void pending.push(Promise.resolve().then(listener)),
    ...options,
  });
}

async function settle(): Promise<void> {
  for (let round = 0; pending.length > 0 && round < 100; round++)
    await Promise.all(pending.splice(0));
}

async function captured(): Promise<Record<string, unknown>[]> {
  await settle();
  const { captures } = await store.list();
  return Promise.all(captures.map(async ({ key }) => JSON.parse((await store.read(key)) ?? "")));
}

describe("a request to a model with capture", () => {
  test("is stored with its answer, and whose it is", async () => {
    const { infer } = create();
    const inputs = [{ name: "x", datatype: "BYTES", shape: [1], data: ["a text"] }] as const;
    await infer({ model: modelWith({}), inputs: [...inputs] }, callOf({ subject: SUBJECT }));
    expect(await captured()).toEqual([
      {
        schemaVersion: 1,
        requestId: "request-1",
        model: "echo",
        version: "1",
        digest: "a".repeat(64),
        principal: "abcdefghijkl",
        subject: SUBJECT,
        capturedAt: new Date(NOW).toISOString(),
        expiresAt: new Date(NOW + 30 * DAY_MS).toISOString(),
        inputs,
        outputs: inputs,
      },
    ]);
    const [address] = (await store.list()).captures;
    expect(address).toMatchObject({
      principal: "abcdefghijkl",
      subject: SUBJECT,
      request: await requestHash("request-1"),
      expiresAt: NOW + 30 * DAY_MS,
    });
    expect(events).toEqual([
      expect.objectContaining({ event: "capture", requestId: "request-1", outcome: "stored" }),
    ]);
  });

  test.each([
    ["inputs only", { outputs: false }, { inputs: expect.anything() }, "outputs"],
    ["answers only", { inputs: false }, { outputs: { label: "yes" } }, "inputs"],
  ])("is stored as far as the manifest says: %s", async (_, settings, has, hasNot) => {
    const { runTask } = create();
    await runTask(modelWith(settings), { inputs: "a text", parameters: { top_k: 1 } }, callOf());
    const [capture] = await captured();
    expect(capture).toMatchObject(has);
    expect(capture).not.toHaveProperty(hasNot);
  });

  test("has values that JSON has not in a form that it has", async () => {
    const { runTask } = create();
    const inputs = [
      new Media("image/png", Uint8Array.of(0, 255)),
      new Float32Array([1.5, Number.NaN]),
      2n ** 60n,
      Number.NEGATIVE_INFINITY,
    ];
    await runTask(modelWith({}), { inputs, parameters: {} }, callOf());
    const [capture] = await captured();
    expect(capture?.inputs).toEqual({
      inputs: [
        { mediaType: "image/png", base64: "AP8=" },
        [1.5, "NaN"],
        "1152921504606846976",
        "-Infinity",
      ],
      parameters: {},
    });
  });

  test("that is streamed is stored with all parts that its client has got", async () => {
    async function* parts() {
      for (const text of ["one", "two", "three"]) yield { text };
    }
    const { runTask } = create({ runTask: async () => ({ kind: "stream", parts: parts() }) });
    const request = { inputs: "a text", parameters: {}, stream: true };
    const whole = await runTask(modelWith({}), request, callOf());
    const cut = await runTask(modelWith({}), request, callOf());
    if (whole.kind !== "stream" || cut.kind !== "stream") throw new Error("not streamed");
    for await (const _ of whole.parts);
    for await (const _ of cut.parts) break;
    const outputs = (await captured()).map(({ outputs: found, isPartial }) => [found, isPartial]);
    expect(outputs).toHaveLength(2);
    expect(outputs).toEqual(
      expect.arrayContaining([
        [[{ text: "one" }, { text: "two" }, { text: "three" }], undefined],
        [[{ text: "one" }], true],
      ]),
    );
  });

  test.each([
    ["whose manifest has no capture", undefined, {}],
    ["with no-store", {}, { cache: parseCacheControl("no-store") }],
  ])("%s is not stored", async (_, settings, options) => {
    const { infer, runTask } = create();
    await infer({ model: modelWith(settings), inputs: [] }, callOf(options));
    await runTask(modelWith(settings), { inputs: "a", parameters: {} }, callOf(options));
    expect(await captured()).toEqual([]);
    expect(events).toEqual([]);
  });

  test("that fails, or is only checked, is not stored", async () => {
    const failing = create({ runTask: () => Promise.reject(new Error("no answer")) });
    const request = { inputs: "a text", parameters: {} };
    await expect(failing.runTask(modelWith({}), request, callOf())).rejects.toThrow("no answer");
    await create().runTask(modelWith({}), { ...request, checkOnly: true }, callOf());
    expect(await captured()).toEqual([]);
  });
});

describe("the sample", () => {
  test("is about the share of the manifest, the same for all runs of a request", async () => {
    const { runTask } = create({ salt: "a salt" });
    const model = modelWith({ sample: 0.25 });
    const request = { inputs: "a text", parameters: {} };
    for (let index = 0; index < 400; index++) {
      clock += 1000;
      for (let run = 0; run < 2; run++)
        await runTask(model, request, callOf({ id: `id-${index}` }));
      await settle();
    }
    const counts = Map.groupBy(events, ({ requestId }) => requestId);
    expect([...counts.values()].every(({ length }) => length === 2)).toBe(true);
    expect(counts.size).toBeGreaterThan(60);
    expect(counts.size).toBeLessThan(140);
  });

  test("is another one in each isolate, so that no client can choose it by ids", async () => {
    const model = modelWith({ sample: 0.5 });
    const chosen = async (salt: string): Promise<string> => {
      events = [];
      const { runTask } = create({ salt });
      for (let index = 0; index < 64; index++)
        await runTask(model, { inputs: "a", parameters: {} }, callOf({ id: `id-${index}` }));
      await settle();
      // Stored side by side, in any order.
      return events
        .map(({ requestId }) => requestId)
        .sort()
        .join();
    };
    expect(await chosen("one")).toBe(await chosen("one"));
    expect(await chosen("one")).not.toBe(await chosen("two"));
  });
});

describe("a request is skipped", () => {
  const outcomes = (): unknown[] => events.map(({ outcome, reason }) => reason ?? outcome);

  test("if it is larger than the manifest says, or than memory has left", async () => {
    const request = { inputs: "x".repeat(20_000), parameters: {} };
    await create().runTask(modelWith({}), request, callOf());
    await create({ limitBytes: 10_000 }).runTask(
      modelWith({ maxBytes: 1_000_000 }),
      request,
      callOf(),
    );
    expect(await captured()).toEqual([]);
    expect(outcomes().toSorted()).toEqual(["memory", "too_large"]);
  });

  test("if as many are stored at once, or in a minute, as may", async () => {
    const { runTask } = create();
    const model = modelWith({});
    const request = { inputs: "a", parameters: {} };
    for (let index = 0; index < MAX_CAPTURES_AT_ONCE + 1; index++)
      await runTask(model, request, callOf({ id: `id-${index}` }));
    await settle();
    expect(outcomes().filter((outcome) => outcome === "rate")).toHaveLength(1);
    for (let index = 0; index < MAX_CAPTURES_PER_MINUTE; index++) {
      await runTask(model, request, callOf({ id: `more-${index}` }));
      await settle();
    }
    const stored = () => outcomes().filter((outcome) => outcome === "stored").length;
    expect(stored()).toBe(MAX_CAPTURES_PER_MINUTE);
    clock += 60_000;
    await runTask(model, request, callOf());
    await settle();
    expect(stored()).toBe(MAX_CAPTURES_PER_MINUTE + 1);
  });

  test("if what belongs to it was erased meanwhile, also while it was written", async () => {
    const request = { inputs: "a", parameters: {} };
    let asked = 0;
    for (const erasedFrom of [1, 2]) {
      asked = 0;
      isErased = () => ++asked >= erasedFrom;
      await create().runTask(modelWith({}), request, callOf());
      expect(await captured()).toEqual([]);
    }
    expect(outcomes()).toEqual(["erased", "erased"]);
  });

  test("if storage fails, which its response does not tell", async () => {
    objects.put = () => Promise.reject(new Error("R2 is down"));
    const result = await create().runTask(modelWith({}), { inputs: "a", parameters: {} }, callOf());
    expect(result).toMatchObject({ value: { label: "yes" } });
    await settle();
    expect(events).toEqual([
      expect.objectContaining({ outcome: "failed", errorCode: "storage_failed" }),
    ]);
  });
});

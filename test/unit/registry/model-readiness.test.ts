import { expect, test, vi } from "vitest";
import type { Admission, Permit } from "../../../src/domain/admission.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import type { ModelState } from "../../../src/domain/ports.ts";
import type { PublishedModel } from "../../../src/domain/published-model.ts";
import { createAdmission } from "../../../src/inference/admission.ts";
import { createModelReadiness } from "../../../src/registry/readiness.ts";

const model = {
  name: "m",
  version: "1",
  revision: "r",
  versions: ["1"],
  manifest: {
    name: "m",
    version: "1",
    file: "model.onnx",
    files: [{ path: "model.onnx", sha256: "a".repeat(64), sizeBytes: 3 }],
  },
} as unknown as PublishedModel;
const call = { waitUntil: () => undefined };

function admit(admission: Admission): Permit {
  return admission.admit({ deadline: admission.begin(), model: "iris" });
}

function create(maxInFlight = 1) {
  let state: ModelState["state"] = "absent";
  let file: string | undefined = "abc";
  const load = vi.fn(async () => {
    state = "ready";
  });
  const admission = createAdmission({ maxInFlight, maxQueueMs: 1000, maxTimeoutMs: 1000 });
  const readiness = createModelReadiness(
    {
      state: async () => ({ state }) as ModelState,
      load,
    },
    {
      file: async () =>
        file === undefined
          ? undefined
          : { sizeBytes: file.length, body: new Blob([file]).stream() },
    },
    admission,
  );
  return {
    readiness,
    load,
    admission,
    set: (changed: ModelState["state"]) => {
      state = changed;
    },
    store: (changed: string | undefined) => {
      file = changed;
    },
  };
}

test("a version that was never loaded is loaded with a permit, which is released", async () => {
  const { readiness, load, admission } = create();
  expect(await readiness.check(model, call)).toEqual({ state: "ready" });
  expect(load).toHaveBeenCalledTimes(1);
  // The only permit is available again.
  admit(admission).release(undefined);
});

test("under overload nothing is loaded, and the reason is reported", async () => {
  const { readiness, load, admission } = create();
  const permit = admit(admission);
  const current = await readiness.check(model, call);
  expect(current).toMatchObject({ state: "absent", error: { code: "overloaded" } });
  expect(load).not.toHaveBeenCalled();
  permit.release(undefined);
  expect(await readiness.check(model, call)).toEqual({ state: "ready" });
});

test("a loaded version is ready under overload", async () => {
  const { readiness, load, admission, set } = create();
  set("ready");
  admit(admission);
  expect(await readiness.check(model, call)).toEqual({ state: "ready" });
  expect(load).not.toHaveBeenCalled();
});

test("a version that was evicted is ready without being loaded, while its file is in storage", async () => {
  const { readiness, load, set, store } = create();
  await readiness.check(model, call);
  set("absent");
  expect(await readiness.check(model, call)).toEqual({ state: "ready" });
  store(undefined);
  expect(await readiness.check(model, call)).toMatchObject({
    state: "failed",
    error: { code: "model_missing" },
  });
  store("abcd");
  expect(await readiness.check(model, call)).toMatchObject({
    state: "failed",
    error: { code: "model_corrupt" },
  });
  expect(load).toHaveBeenCalledTimes(1);
});

test("a version that was published again is loaded", async () => {
  const { readiness, load, set } = create();
  await readiness.check(model, call);
  set("absent");
  await readiness.check({ ...model, revision: "other" }, call);
  expect(load).toHaveBeenCalledTimes(2);
});

test("load loads an evicted version", async () => {
  const { readiness, load, set } = create();
  await readiness.load(model, call);
  set("absent");
  expect(await readiness.load(model, call)).toEqual({ state: "ready" });
  expect(load).toHaveBeenCalledTimes(2);
});

test("a load that fails is reported, and tried again", async () => {
  const { readiness, load, admission } = create();
  load.mockRejectedValueOnce(new ApiError("model_load_failed", "It failed."));
  expect(await readiness.check(model, call)).toMatchObject({
    state: "failed",
    error: { message: "It failed." },
  });
  expect(await readiness.check(model, call)).toEqual({ state: "ready" });
  admit(admission).release(undefined);
});

test("a slow load is loading after two seconds, keeps its permit, and is joined without another", async () => {
  vi.useFakeTimers();
  try {
    const { readiness, load, admission, set } = create();
    const { promise, resolve } = Promise.withResolvers<void>();
    load.mockReturnValue(promise);
    const first = readiness.check(model, call);
    await vi.advanceTimersByTimeAsync(2000);
    expect(await first).toEqual({ state: "loading" });
    expect(() => admit(admission)).toThrow(ApiError);
    set("loading");
    const second = readiness.check(model, call);
    await vi.advanceTimersByTimeAsync(0);
    resolve();
    expect(await second).toEqual({ state: "ready" });
    admit(admission).release(undefined);
  } finally {
    vi.useRealTimers();
  }
});

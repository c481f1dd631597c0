import { expect, test } from "vitest";
import { createIsolateLoader } from "../../../../../src/hosts/isolate/worker/isolate-loader.ts";

/** What the Worker Loader is asked for: local workerd enforces no limits, so a test there would not notice that they are missing. */

const SETTINGS = { budgetBytes: 1, maxInFlight: 2, maxQueueMs: 3, timeoutMs: 4 };
const CODE = { digest: "c0de", compatibilityDate: "2026-11-01", mainModule: "a.js", modules: {} };

/** The id, code and limits of the isolate of a call. */
function ask(changes: { code?: object; settings?: object } = {}, timeoutMs?: number) {
  const asked: { id?: string; code?: unknown; name?: string; options?: unknown } = {};
  const loader = {
    get(id: string, createCode: () => unknown) {
      Object.assign(asked, { id, code: createCode() });
      return {
        getEntrypoint: (name: string, options: unknown) => Object.assign(asked, { name, options }),
      };
    },
  };
  const methodsOf = createIsolateLoader({
    loader: loader as unknown as WorkerLoader,
    code: { ...CODE, ...changes.code },
    settings: { ...SETTINGS, ...changes.settings },
  });
  methodsOf("d16e57", timeoutMs);
  return asked;
}

test("the id of an isolate has the digests of code and model, and the settings", () => {
  const { id } = ask();
  expect(id).toBe("c0de-d16e57-1-2-3-4");
  expect(ask({ code: { digest: "0ther" } }).id).not.toBe(id);
  expect(ask({ settings: { maxQueueMs: 5 } }).id).not.toBe(id);
});

test("an isolate gets its settings, and no network", () => {
  const { digest: _, ...code } = CODE;
  expect(ask().code).toEqual({ ...code, env: { SETTINGS }, globalOutbound: null });
});

test.each([
  ["that has a short deadline", 200, 5_000],
  ["with 20.5 ms more than the least", 5_020.5, 5_021],
  ["with a long deadline", 120_000, 120_000],
  ["without a deadline", undefined, 30_000],
])("a call %s has CPU time by what is left of it, and at least 5 s", (_, timeoutMs, cpuMs) => {
  const { name, options } = ask({}, timeoutMs);
  expect([name, options]).toEqual(["ModelIsolate", { limits: { cpuMs } }]);
});

import { createHash } from "node:crypto";
import { beforeEach, expect, test, vi } from "vitest";
import { createMonitoring } from "../../../src/monitoring/reader.ts";
import { createRemoteMetrics, type MetricsStub } from "../../../src/monitoring/remote-metrics.ts";
import { faultsOf } from "../../support/faults/fault-plan.ts";
import { createFaultyService, type FaultyService } from "../../support/faults/faulty-service.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Clients, while the collector of what they do has each fault. */

stubWorkersGlobals();
// In a thread a hash would take real time, in which the clock of the test moves on by minutes.
vi.stubGlobal("crypto", {
  ...crypto,
  subtle: new Proxy(crypto.subtle, {
    get: (subtle, name) => (name === "digest" ? digest : Reflect.get(subtle, name)),
  }),
});

async function digest(algorithm: string, data: BufferSource): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(ArrayBuffer.isView(data) ? data.buffer : data);
  const view = ArrayBuffer.isView(data)
    ? bytes.subarray(data.byteOffset, data.byteOffset + data.byteLength)
    : bytes;
  return Uint8Array.from(createHash(algorithm.replace("-", "")).update(view).digest()).buffer;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  return () => vi.useRealTimers();
});

const BODY = {
  inputs: [{ name: "features", shape: [1, 4], datatype: "FP32", data: [5.1, 3.5, 1.4, 0.2] }],
};

async function infer(service: FaultyService): Promise<number> {
  return (await service.post("/v2/models/iris-logistic/infer", BODY)).status;
}

/** Lets time pass, with what goes on meanwhile. */
async function pass(milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 500) {
    await vi.advanceTimersByTimeAsync(500);
    await new Promise(setImmediate);
  }
}

test.each(faultsOf({ binding: "METRICS", method: "add" }))(
  "a collector that %s fails and delays no request, and has counted each once when it is over",
  async (fault) => {
    const settings = { CACHE_TIERS: "" };
    const service = await createFaultyService(["iris-logistic"], settings, false, true);
    const { plan } = service;
    await infer(service);
    plan.arm(0, fault);
    await pass(6000);
    const { elapsedMs } = service;
    for (let count = 0; count < 3; count++) expect(await infer(service)).toBe(200);
    // By the clock that only moves as fast as it really does, unless something waits.
    expect(service.elapsedMs - elapsedMs).toBeLessThan(2000);
    expect(plan.calls.map(({ method }) => method)).toContain("add");
    plan.disarm();
    // The call that hangs is given up, and sent again with the next request.
    await pass(30_000);
    await infer(service);
    await pass(20_000);
    expect(await countedBy(service)).toBe(5);
  },
);

/** Requests of the model, by the collector. */
async function countedBy({ storage }: FaultyService): Promise<number> {
  const { value, unreachable } = await createMonitoring((shard) =>
    createRemoteMetrics(() => storage.collector(shard) as MetricsStub),
  ).totals();
  expect(unreachable).toEqual([]);
  const counts = value.filter(({ model }) => model === "iris-logistic");
  return counts.reduce((sum, { aggregate }) => sum + aggregate.requests, 0);
}

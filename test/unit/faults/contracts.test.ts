import { beforeEach, describe, expect, test, vi } from "vitest";
import { type AuthorityStub, createRemoteAuthority } from "../../../src/guard/remote-authority.ts";
import { NoAnswer } from "../../../src/shared/within.ts";
import { createDatacenterCacheTier } from "../../../src/storage/datacenter-cache-tier.ts";
import { createKvCacheTier, createKvPurgeLog } from "../../../src/storage/kv-cache-tier.ts";
import { createModelStore } from "../../../src/storage/model-store.ts";
import { createR2ObjectStore } from "../../../src/storage/r2-object-store.ts";
import { createTimedNamespace } from "../../../src/storage/timed-namespace.ts";
import { createUploadStore } from "../../../src/storage/upload-store.ts";
import { testCacheTier } from "../../contracts/cache-tier.ts";
import { testKeyAuthority } from "../../contracts/key-authority.ts";
import { testModelStore } from "../../contracts/model-store.ts";
import { testModelWriter, type WritableStoreUnderTest } from "../../contracts/model-writer.ts";
import { testPurgeLog } from "../../contracts/purge-log.ts";
import { testUploadStore } from "../../contracts/upload-store.ts";
import { FaultPlan } from "../../support/faults/fault-plan.ts";
import { withFaults } from "../../support/faults/faulty-binding.ts";
import { createMemoryBindings } from "../../support/faults/memory-bindings.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/**
 * The adapters of R2, KV, the Cache API and the Durable Object over bindings that can have faults, and have none: so that what happens with a fault is the
 * fault's doing. test/unit/storage/r2-object-store.test.ts has the objects.
 */

stubWorkersGlobals();

const dispose = async (): Promise<void> => undefined;

function create() {
  const plan = new FaultPlan();
  plan.arm();
  const { MODELS, CACHE, cache, authority } = createMemoryBindings();
  const kv = createTimedNamespace(withFaults(CACHE, "CACHE", plan), 30_000);
  return {
    plan,
    bucket: MODELS,
    kv,
    objects: createR2ObjectStore(withFaults(MODELS, "MODELS", plan)),
    cache: withFaults(cache, "DATACENTER", plan),
    authority: withFaults(authority, "KEYS", plan) as AuthorityStub,
  };
}

async function createStore(): Promise<WritableStoreUnderTest> {
  const { objects, bucket } = create();
  return {
    store: createModelStore(objects),
    objects: {
      put: async (key, bytes) => void (await bucket.put(key, bytes)),
      delete: (key) => bucket.delete(key),
    },
    dispose,
  };
}

describe("a store", () => {
  testModelStore(createStore);
  testModelWriter(createStore);
});

describe("uploads", () => {
  testUploadStore(async () => ({ uploads: createUploadStore(create().objects), dispose }));
});

describe("a tier in KV", () => {
  testCacheTier(async () => createKvCacheTier(create().kv));
});

describe("a tier in the Cache API", () => {
  testCacheTier(async () => createDatacenterCacheTier(create().cache));
});

describe("the log of purges in KV", () => {
  testPurgeLog(async () => {
    const { kv } = create();
    const tier = createKvCacheTier(kv);
    return {
      log: createKvPurgeLog(kv),
      put: (address) => tier.put(address, Uint8Array.of(1), 60),
      keys: async () => {
        const { keys } = await kv.list({ prefix: "prediction/" });
        // In pages: the rest of them comes after the last.
        const found = [...keys];
        for (let last = found.at(-1)?.name; last !== undefined; ) {
          const page = await kv.list({ prefix: "prediction/", cursor: last });
          found.push(...page.keys);
          last = page.keys.at(-1)?.name;
        }
        return found.map(({ name }) => name.split("/")[4] ?? "");
      },
      dispose,
    };
  });
});

describe("the authority of API keys", () => {
  testKeyAuthority(async () => {
    const { authority } = create();
    return createRemoteAuthority(() => authority);
  });
});

describe("a call of KV", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    return () => vi.useRealTimers();
  });

  test.each(["get", "put", "list", "delete"] as const)(
    "by %s that is never answered ends in time",
    async (method) => {
      const { plan, kv } = create();
      plan.arm(0, "hangs");
      const calling = (kv[method] as (...args: unknown[]) => Promise<unknown>)("key", "value");
      const ended = expect(calling).rejects.toBeInstanceOf(NoAnswer);
      await vi.advanceTimersByTimeAsync(30_000);
      await ended;
    },
  );
});

import { describe, expect, test } from "vitest";
import type { Purge } from "../../../src/domain/cache.ts";
import { requestHash } from "../../../src/domain/request-hash.ts";
import { createMemoryPurgeLog } from "../../../src/storage/memory-purge-log.ts";
import { createHarness, createManifest, createMemoryTier } from "../../support/cache-harness.ts";

/** Erasures of what belongs to a principal, a subject or a request, in an isolate and in others. */

const SECOND_MS = 1000;
const SUBJECT = "5".repeat(32);
const request = { client: "abc", id: "request-1" };

function createIsolates() {
  const clock = { ms: Date.UTC(2026, 10, 30) };
  const log = createMemoryPurgeLog();
  const [datacenter, kv] = [createMemoryTier("datacenter"), createMemoryTier("kv")];
  const erasures: Purge[][] = [];
  const onErasures = async (news: readonly Purge[]) => void erasures.push([...news]);
  const create = () => createHarness({ tiers: [datacenter, kv], log, clock, onErasures });
  return { clock, datacenter, kv, erasures, one: create(), two: create() };
}

describe.each([
  ["principal", async () => ({ principal: "abc" }), {}],
  ["subject", async () => ({ subject: SUBJECT }), { subject: SUBJECT }],
  ["request", async () => ({ request: await requestHash("request-1") }), {}],
])("an erasure by %s", (_, toScope, named) => {
  test("removes the entries from memory, and no isolate uses those of other tiers", async () => {
    const { clock, one, two, erasures } = createIsolates();
    const own = { ...request, ...named };
    await one.request(own);
    await one.settle();
    // It is in the memory of the other isolate as well.
    expect((await two.request(own)).report.outcome).toBe("hit");
    await one.request({ input: "of others", client: "xyz", id: "request-2" });
    clock.ms += SECOND_MS;

    expect(await one.store.forget(await toScope())).toBe(1);
    expect(one.store.findLocally(await toScope())).toEqual([]);
    expect((await one.request({ ...own, control: "max-age=1000000" })).report.outcome).toBe("miss");
    expect((await one.request({ input: "of others", client: "xyz" })).report.outcome).toBe("hit");

    clock.ms += 30 * SECOND_MS;
    await two.request({ input: "something else", client: "xyz" });
    await two.settle();
    expect(two.store.findLocally(await toScope())).toEqual([]);
    expect(erasures.flat()).toEqual([expect.objectContaining(await toScope())]);
  });

  test("covers what was computed before and stored after it, and nothing that is newer", async () => {
    const { clock, one, two } = createIsolates();
    const own = { ...request, ...named };
    const scope = await toScope();
    const data = {
      principal: "abc",
      subject: "subject" in named ? SUBJECT : undefined,
      request: await requestHash("request-1"),
      createdAt: clock.ms,
    };
    // It has read the list of purges, and does so again half a minute later.
    await two.request({ input: "something else", client: "xyz" });
    await one.store.forget(scope);
    expect(one.store.isErased(data)).toBe(true);
    expect(one.store.isErased({ ...data, createdAt: clock.ms + 1 })).toBe(false);
    // An isolate that does not know of it stores what it has computed.
    await two.request(own);
    await two.settle();
    clock.ms += SECOND_MS;
    const { report } = await one.request(own);
    expect(report).toMatchObject({ outcome: "miss", reason: "purged" });
    expect((await one.request(own)).report.outcome).toBe("hit");
  });
});

test("an isolate that looks nothing up learns of an erasure before what it keeps is shown", async () => {
  const { clock, one, two, erasures } = createIsolates();
  await two.request({ ...request, subject: SUBJECT });
  await two.settle();
  clock.ms += SECOND_MS;
  await one.store.forget({ subject: SUBJECT });
  clock.ms += 30 * SECOND_MS;
  await two.store.learnPurges();
  expect(two.store.findLocally({ subject: SUBJECT })).toEqual([]);
  expect(erasures.flat()).toEqual([expect.objectContaining({ subject: SUBJECT })]);
});

test("requests with a subject share entries with the same subject of the same principal only", async () => {
  const { one } = createIsolates();
  const outcomes: unknown[] = [];
  for (const [client, subject] of [
    ["abc", SUBJECT],
    ["abc", SUBJECT],
    ["abc", "6".repeat(32)],
    ["xyz", SUBJECT],
    ["abc", undefined],
    ["xyz", undefined],
  ] as const)
    outcomes.push((await one.request({ client, ...(subject && { subject }) })).report.outcome);
  expect(outcomes).toEqual(["miss", "hit", "miss", "miss", "miss", "hit"]);
});

test("entries of requests with a subject are not in the Cache API", async () => {
  const { one, datacenter, kv } = createIsolates();
  await one.request({ ...request, subject: SUBJECT });
  await one.settle();
  expect([datacenter.values.size, kv.values.size]).toEqual([0, 1]);
  expect(datacenter.calls).toEqual([]);
  await one.request(request);
  await one.settle();
  expect([datacenter.values.size, kv.values.size]).toEqual([1, 2]);
});

test("ten thousand erasures do not slow a hit down to a search through all of them", async () => {
  const log = createMemoryPurgeLog();
  const at = Date.UTC(2026, 10, 22) - 1;
  for (let index = 0; index < 10_000; index++)
    await log.record({ subject: String(index).padStart(32, "0") }, at);
  let compared = 0;
  const listed = (await log.list()).map(
    (purge) =>
      new Proxy(purge, {
        get(target, name) {
          compared += 1;
          return Reflect.get(target, name);
        },
      }),
  );
  const harness = createHarness({ log: { ...log, list: async () => listed } });
  await harness.request({ subject: SUBJECT });
  const before = compared;
  for (let index = 0; index < 20; index++)
    expect((await harness.request({ subject: SUBJECT })).report.outcome).toBe("hit");
  expect(compared).toBe(before);
});

test("an entry of an earlier release, which names no request, is used until its model is purged", async () => {
  const { one, clock } = createIsolates();
  const manifest = createManifest();
  await one.request({ manifest });
  clock.ms += SECOND_MS;
  await one.store.forget({ request: "0".repeat(32) });
  expect((await one.request({ manifest })).report.outcome).toBe("hit");
});

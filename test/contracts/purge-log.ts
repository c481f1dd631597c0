import { afterEach, beforeEach, expect, test } from "vitest";
import type { CacheAddress, PurgeLog } from "../../src/domain/cache.ts";

/** A log beside storage that is empty at first. */
export interface PurgeLogUnderTest {
  readonly log: PurgeLog;
  /** Puts an entry into the storage that the log purges. */
  put(address: CacheAddress): Promise<void>;
  /** The keys of the entries in storage. */
  keys(): Promise<readonly string[]>;
  dispose(): Promise<void>;
}

const SUBJECT = "5".repeat(32);
const REQUEST = "7".repeat(32);
const origin = { principal: "0123456789abcdef", request: REQUEST };

const stored: readonly CacheAddress[] = [
  address("iris", "1", "a"),
  { ...address("iris", "2", "b"), origin, createdAt: 1 },
  address("iris", "2", "c", "0123456789abcdef"),
  address("iris-2", "1", "d", `fedcba9876543210.${SUBJECT}`),
  address("digits", "1", "e", "0123456789abcdef"),
  address("digits", "1", "f", "fedcba9876543210"),
];

function address(name: string, version: string, digit: string, client?: string): CacheAddress {
  return { key: digit.repeat(64), model: { name, version }, client };
}

/** The first digit of each key, in order. */
function digitsOf(keys: readonly string[]): string {
  return keys
    .map((key) => key[0])
    .sort()
    .join("");
}

/** What every {@link PurgeLog} does, whatever it stores in. */
export function testPurgeLog(create: () => Promise<PurgeLogUnderTest>): void {
  let subject: PurgeLogUnderTest;

  beforeEach(async () => {
    subject = await create();
    for (const each of stored) await subject.put(each);
  });
  afterEach(() => subject.dispose());

  test.each([
    ["everything", {}, "abcdef"],
    ["a model", { model: "iris" }, "abc"],
    ["a version", { model: "iris", version: "2" }, "bc"],
    ["a client", { client: "0123456789abcdef" }, "ce"],
    ["a client of a model", { model: "digits", client: "0123456789abcdef" }, "e"],
    ["a client of a version", { model: "iris", version: "2", client: "0123456789abcdef" }, "c"],
    ["what is for a principal or was computed for it", { principal: "0123456789abcdef" }, "bce"],
    ["a subject", { subject: SUBJECT }, "d"],
    ["a request", { request: REQUEST }, "b"],
    ["what is not there", { model: "iri" }, ""],
  ])("removes %s, and nothing else", async (_, scope, gone) => {
    const { removed, complete } = await subject.log.purge(scope, 5);
    expect(digitsOf(removed.map(({ key }) => key))).toBe(gone);
    expect(complete).toBe(true);
    const left = [..."abcdef"].filter((digit) => !gone.includes(digit)).join("");
    expect(digitsOf(await subject.keys())).toBe(left);
  });

  test("a purge returns the addresses of the removed entries", async () => {
    const { removed } = await subject.log.purge({ model: "digits" }, 5);
    expect(removed).toHaveLength(2);
    expect(removed).toEqual(expect.arrayContaining(stored.slice(4)));
  });

  test("removes nothing twice", async () => {
    await subject.log.purge({ model: "iris" }, 5);
    expect(await subject.log.purge({ model: "iris" }, 6)).toEqual({ removed: [], complete: true });
  });

  test("lists nothing before the first purge", async () => {
    expect(await subject.log.list()).toEqual([]);
  });

  test("lists what was ordered, the latest of each scope", async () => {
    const { log } = subject;
    await log.purge({}, 1);
    await log.purge({ model: "iris" }, 2);
    await log.purge({ model: "iris", version: "2", client: "0123456789abcdef" }, 3);
    await log.purge({ model: "iris" }, 4);
    const listed = await log.list();
    expect(listed).toHaveLength(3);
    expect(listed).toEqual(
      expect.arrayContaining([
        { at: 1 },
        { model: "iris", at: 4 },
        { model: "iris", version: "2", client: "0123456789abcdef", at: 3 },
      ]),
    );
  });

  test("lists a purge of what is not there, which may be stored elsewhere", async () => {
    await subject.log.purge({ model: "unknown" }, 7);
    expect(await subject.log.list()).toEqual([{ model: "unknown", at: 7 }]);
  });

  test("records a purge without removing anything, beside others of other scopes", async () => {
    const { log } = subject;
    const scopes = [{}, { principal: "abc" }, { subject: "abc" }, { request: "abc" }];
    for (const [at, scope] of scopes.entries()) await log.record(scope, at);
    await log.record({ subject: "abc" }, 9);
    expect(digitsOf(await subject.keys())).toBe("abcdef");
    const expected = scopes.map((scope, at) => ({ ...scope, at: "subject" in scope ? 9 : at }));
    const listed = await log.list();
    expect(listed).toHaveLength(expected.length);
    expect(listed).toEqual(expect.arrayContaining(expected));
  });

  test("gives lists that do not change with a later purge", async () => {
    await subject.log.purge({ model: "iris" }, 1);
    const before = await subject.log.list();
    await subject.log.purge({ model: "digits" }, 2);
    expect(before).toEqual([{ model: "iris", at: 1 }]);
  });
}

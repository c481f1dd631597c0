import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import type { CaptureStore } from "../../../src/domain/capture.ts";
import type { ObjectStore } from "../../../src/domain/object-store.ts";
import { fromCaptureKey } from "../../../src/storage/capture-keys.ts";
import { createCaptureStore } from "../../../src/storage/capture-store.ts";
import { createMemoryObjectStore } from "../../../src/storage/memory-object-store.ts";
import { createObjectInventory } from "../../../src/storage/object-inventory.ts";
import { rejectedApiError } from "../../support/errors.ts";

const key = new Uint8Array(randomBytes(32));
const capture = {
  name: "iris",
  version: "3",
  principal: "abcdefghijkl",
  subject: "5".repeat(32),
  request: "7".repeat(32),
  expiresAt: Date.UTC(2026, 11, 1),
};
const json = new TextEncoder().encode('{"inputs":"a text of a person"}');

let objects: ObjectStore;
let store: CaptureStore;

beforeEach(() => {
  objects = createMemoryObjectStore();
  store = createCaptureStore(objects, async () => key);
});

async function collect(): Promise<{ key: string }[]> {
  const all: { key: string }[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list(cursor);
    all.push(...page.captures);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return all;
}

test("a capture is found by what its key says, and read as it was written", async () => {
  const written = await store.put(capture, json);
  expect(await collect()).toEqual([
    { ...capture, key: written, sizeBytes: expect.any(Number), writtenAt: expect.any(Number) },
  ]);
  expect(await store.read(written)).toBe('{"inputs":"a text of a person"}');
  const without = await store.put({ ...capture, subject: undefined }, json);
  expect(fromCaptureKey(without)?.subject).toBeUndefined();
});

test("a capture is stored encrypted, and no other key reads it, nor it under another name", async () => {
  const written = await store.put(capture, json);
  const object = await objects.get(written);
  const bytes = await new Response(object?.body).bytes();
  expect(Buffer.from(bytes).toString("latin1")).not.toContain("a text of a person");
  const other = createCaptureStore(objects, async () => new Uint8Array(randomBytes(32)));
  await rejectedApiError("model_corrupt", other.read(written));
  const moved = written.replace("/iris/", "/digits/");
  await objects.put(moved, bytes);
  await rejectedApiError("model_corrupt", store.read(moved));
});

test("captures are listed in the order in which their retentions end, page by page", async () => {
  const ends = [5, 1, 3, 2, 4].map((day) => capture.expiresAt + day * 86_400_000);
  for (const expiresAt of ends) await store.put({ ...capture, expiresAt }, json);
  const listed = (await collect()) as unknown as { expiresAt: number }[];
  expect(listed.map(({ expiresAt }) => expiresAt)).toEqual(ends.toSorted((a, b) => a - b));
});

test.each(["token:0123456789abcdef", "anonymous", "a.b/c d%", "worker:\u00e4"])(
  "a capture of the principal %s is found",
  async (principal) => {
    await store.put({ ...capture, principal }, json);
    expect(await collect()).toEqual([expect.objectContaining({ principal })]);
  },
);

test("what could not be found again is not stored", async () => {
  await rejectedApiError("storage_failed", store.put({ ...capture, name: "No Name" }, json));
  await rejectedApiError("storage_failed", store.put({ ...capture, principal: "" }, json));
  expect(await Array.fromAsync(objects.list(""))).toEqual([]);
});

test("more captures than a page has are all listed", async () => {
  for (let index = 0; index < 1003; index++)
    await objects.put(
      `captures/${"1".padStart(11, "0")}/iris/1/p/-/${"7".repeat(32)}-${index.toString(16).padStart(8, "0")}`,
      json,
    );
  const first = await store.list();
  expect(first.captures).toHaveLength(1000);
  expect(await collect()).toHaveLength(1003);
});

test("one of two captures of a request does not replace the other", async () => {
  await Promise.all([store.put(capture, json), store.put(capture, json)]);
  expect(await collect()).toHaveLength(2);
});

describe("the inventory", () => {
  test("has the captures whose retention has ended, to the millisecond, and no others", async () => {
    await store.put(capture, json);
    await store.put({ ...capture, name: "digits", expiresAt: capture.expiresAt + 1000 }, json);
    const groupsAt = async (at: number): Promise<string[]> => {
      const groups = createObjectInventory(objects, () => at).groups({ areas: ["captures"] });
      return Array.fromAsync(groups, ({ id }) => id.name);
    };
    expect(await groupsAt(capture.expiresAt - 1)).toEqual([]);
    expect(await groupsAt(capture.expiresAt)).toEqual(["iris"]);
    expect(await groupsAt(capture.expiresAt + 1000)).toEqual(["iris", "digits"]);
  });

  test("has an object that is no capture with none, and goes on after it", async () => {
    await objects.put("captures/0", json);
    await store.put(capture, json);
    const groups = createObjectInventory(objects, () => capture.expiresAt).groups();
    expect(await Array.fromAsync(groups, ({ area, id }) => [area, id.name])).toEqual([
      ["captures", "iris"],
    ]);
  });
});

test.each([
  "captures/1/iris/1/p/-/r",
  `captures/00000000001/iris/1/p/-/${"7".repeat(32)}`,
  `captures/00000000001/iris/0/p/-/${"7".repeat(32)}-00000000`,
  `captures/00000000001/iris/1/p/x/${"7".repeat(32)}-00000000`,
  `captures/00000000001/iris/1/p/-/${"7".repeat(32)}-00000000/more`,
  `uploads/00000000001/iris/1/p/-/${"7".repeat(32)}-00000000`,
])("%s is no key of a capture", (name) => {
  expect(fromCaptureKey(name)).toBeUndefined();
});

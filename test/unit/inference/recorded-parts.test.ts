import { describe, expect, test } from "vitest";
import type { TaskPart } from "../../../src/domain/task.ts";
import {
  type RecordedParts,
  readParts,
  recordParts,
} from "../../../src/inference/recorded-parts.ts";

const LIMIT = 100_000;

/** Parts, and whether their source was ended. */
function createSource(parts: readonly TaskPart[], failure?: Error) {
  const source = { hasEnded: false, read: 0 };
  async function* generate(): AsyncGenerator<TaskPart> {
    try {
      for (const part of parts) {
        source.read += 1;
        yield part;
      }
      if (failure) throw failure;
    } finally {
      source.hasEnded = true;
    }
  }
  return Object.assign(source, { parts: generate() });
}

function record(parts: AsyncIterable<TaskPart>, limit = LIMIT) {
  const ends: RecordedParts[] = [];
  return { ends, parts: recordParts(parts, limit, (recorded) => ends.push(recorded)) };
}

describe("recorded parts", () => {
  test("that are all read are passed on as they are, and recorded once", async () => {
    const { parts, ends } = record(createSource([1, 2, 3]).parts);
    expect(await Array.fromAsync(parts)).toEqual([1, 2, 3]);
    expect(ends).toEqual([{ parts: [1, 2, 3], isComplete: true }]);
  });

  test("whose reader leaves are recorded until then, and their source ends", async () => {
    const source = createSource([1, 2, 3]);
    const { parts, ends } = record(source.parts);
    for await (const part of parts) if (part === 2) break;
    expect(source.hasEnded).toBe(true);
    expect(ends).toEqual([{ parts: [1, 2], isComplete: false }]);
  });

  test("of a stream that fails are not recorded, also when its reader leaves then", async () => {
    const { parts, ends } = record(createSource([1], new Error("broken")).parts);
    const iterator = parts[Symbol.asyncIterator]();
    await iterator.next();
    await expect(iterator.next()).rejects.toThrow("broken");
    await iterator.return?.();
    expect(ends).toEqual([]);
  });

  test("that take too much are passed on, and dropped from the record", async () => {
    const texts = ["a".repeat(300), "b".repeat(300)];
    const { parts, ends } = record(createSource(texts).parts, 1000);
    expect(await Array.fromAsync(parts)).toEqual(texts);
    expect(ends).toEqual([{ parts: undefined, isComplete: true }]);
  });
});

describe("reading parts", () => {
  test("ends the work after as many as are wanted", async () => {
    const source = createSource([1, 2, 3, 4]);
    expect(await readParts(source.parts, 2, LIMIT)).toEqual([1, 2]);
    expect(source).toMatchObject({ hasEnded: true, read: 2 });
    expect(await readParts(createSource([1]).parts, 2, LIMIT)).toEqual([1]);
  });

  test("ends the work when they take too much", async () => {
    const source = createSource(Array(100).fill("x".repeat(300)));
    expect((await readParts(source.parts, 100, 3000)).length).toBeLessThan(6);
    expect(source).toMatchObject({ hasEnded: true });
  });
});

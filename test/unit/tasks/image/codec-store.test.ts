import { describe, expect, test, vi } from "vitest";
import type { Codec } from "../../../../src/tasks/image/codec.ts";
import { CodecError } from "../../../../src/tasks/image/codec.ts";
import { type CodecStore, createCodecStore } from "../../../../src/tasks/image/codec-store.ts";
import { instantiateCodec } from "../../../../src/tasks/image/jsquash-codecs.ts";
import { cutOffPromises } from "../../../support/cut-off.ts";
import { readImage } from "../../../support/images.ts";

const MEGABYTE = 2 ** 20;

/** A store, every codec that it made, which therefore are never collected, and its clock. */
function createObserved(): {
  store: CodecStore;
  made: Codec[];
  clock: { ms: number };
  /** The bytes requested at each use. */
  rooms: number[];
} {
  const rooms: number[] = [];
  const made: Codec[] = [];
  const clock = { ms: 0 };
  const store = createCodecStore(
    async (format) => {
      const codec = await instantiateCodec(format);
      made.push(codec);
      return codec;
    },
    { now: () => clock.ms, reserve: (bytes) => rooms.push(bytes) },
  );
  return { store, made, clock, rooms };
}

const width = (codec: Codec): number => codec.decode(readImage("rgb.png"), (_, width) => width);
const end = (): never => {
  throw new WebAssembly.RuntimeError("unreachable");
};

test("files that wait for one codec share it", async () => {
  const { store, made } = createObserved();
  const widths = await Promise.all([1, 2, 3].map(() => store.use("png", MEGABYTE, width)));
  expect(widths).toEqual([32, 32, 32]);
  expect(made).toHaveLength(1);
});

test("a codec that trapped for one file is not used for the waiting ones", async () => {
  const { store, made } = createObserved();
  const [ended, other] = await Promise.allSettled([
    store.use("png", MEGABYTE, end),
    store.use("png", MEGABYTE, (codec) => [codec, width(codec)]),
  ]);
  expect(ended.status).toBe("rejected");
  expect(other).toEqual({ status: "fulfilled", value: [made[1], 32] });
});

test("a codec that reported an error and is intact is kept", async () => {
  const { store, made } = createObserved();
  const refusal = new CodecError("not this one", { instanceIsIntact: true });
  const refused = store.use("png", MEGABYTE, () => {
    throw refusal;
  });
  await expect(refused).rejects.toBe(refusal);
  expect(await store.use("png", MEGABYTE, width)).toBe(32);
  expect(made).toHaveLength(1);
});

describe("a codec whose work is cut off", () => {
  const files = { png: "rgb.png", jpeg: "scans.jpg", webp: "lossless.webp" } as const;

  test.each(["png", "jpeg", "webp"] as const)("is replaced by a new one: %s", async (format) => {
    const { store, made } = createObserved();
    const file = readImage(files[format]);
    const decode = (codec: Codec) => codec.decode(file, (pixels) => Buffer.from(pixels));
    const endless = (codec: Codec) =>
      codec.decode(file, () => {
        for (;;);
      });
    const expected = await store.use(format, MEGABYTE, decode);
    await cutOffPromises(() => void store.use(format, MEGABYTE, endless));
    expect(await store.use(format, MEGABYTE, (codec) => [codec, decode(codec)])).toEqual([
      made[1],
      expected,
    ]);
    expect(made).toHaveLength(2);
    expect(Uint8ClampedArray.of(300)).toEqual(new Uint8ClampedArray([255]));
  });

  test("is dropped when memory is released, also after its first file", async () => {
    const { store, made } = createObserved();
    await cutOffPromises(() => {
      void store.use("png", MEGABYTE, () => {
        for (;;);
      });
    });
    store.release();
    expect(store.memoryBytes).toBe(0);
    expect(await store.use("png", MEGABYTE, width)).toBe(32);
    expect(made).toHaveLength(2);
  });
});

test("a codec that is never made, because its request was cut off, is made for the next file", async () => {
  const instantiate = vi.fn(instantiateCodec).mockReturnValueOnce(new Promise(() => {}));
  const store = createCodecStore(instantiate);
  void store.use("png", MEGABYTE, width);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const waiting = [1, 2].map(() => store.use("png", MEGABYTE, width));
    await vi.advanceTimersByTimeAsync(2000);
    expect(await Promise.all(waiting)).toEqual([32, 32]);
  } finally {
    vi.useRealTimers();
  }
  expect(instantiate).toHaveBeenCalledTimes(2);
});

test("memory is reserved for the growth of a codec, and only for that", async () => {
  const { store, made, rooms } = createObserved();
  await store.use("png", 40 * MEGABYTE, width);
  const kept = made[0]?.memoryBytes() ?? 0;
  expect(store.memoryBytes).toBe(kept);
  await store.use("png", kept, width);
  await store.use("png", kept + 5, width);
  expect(rooms).toEqual([40 * MEGABYTE, 0, 5]);
});

test("release drops all codecs, and the next file gets a new one", async () => {
  const { store, made } = createObserved();
  await store.use("png", MEGABYTE, width);
  await store.use("webp", MEGABYTE, () => 0);
  store.release();
  expect(store.memoryBytes).toBe(0);
  expect(await store.use("png", MEGABYTE, width)).toBe(32);
  expect(made).toHaveLength(3);
});

describe("while the memory of many dropped codecs is not collected", () => {
  const ENDED = 4;

  async function flood(): Promise<ReturnType<typeof createObserved>> {
    const observed = createObserved();
    for (let file = 0; file < ENDED; file++)
      await expect(observed.store.use("png", 60 * MEGABYTE, end)).rejects.toThrow("unreachable");
    return observed;
  }

  test("one large image is admitted each second", async () => {
    const { store, made, clock } = await flood();
    await expect(store.use("png", 60 * MEGABYTE, end)).rejects.toThrow("unreachable");
    for (const format of ["png", "jpeg"] as const)
      await expect(store.use(format, 60 * MEGABYTE, width)).rejects.toMatchObject({
        code: "overloaded",
        details: { retryAfterSeconds: 1 },
      });
    clock.ms += 1000;
    await expect(store.use("png", 60 * MEGABYTE, end)).rejects.toThrow("unreachable");
    expect(made).toHaveLength(ENDED + 2);
  });

  test("small images have a higher limit", async () => {
    const { store } = await flood();
    const small = (): Promise<number> => store.use("png", 8 * MEGABYTE, end);
    for (let file = 0; file < 19; file++) await expect(small()).rejects.toThrow("unreachable");
    await expect(small()).rejects.toThrow("unreachable");
    await expect(small()).rejects.toMatchObject({ code: "overloaded" });
  });

  test("an image that fits into the memory of a kept codec is always admitted", async () => {
    const { store, made } = await flood();
    for (let file = 0; file < 5; file++) expect(await store.use("png", MEGABYTE, width)).toBe(32);
    expect(made).toHaveLength(ENDED + 1);
    await expect(store.use("jpeg", 60 * MEGABYTE, end)).rejects.toThrow("unreachable");
    await expect(store.use("png", 60 * MEGABYTE, width)).rejects.toMatchObject({
      code: "overloaded",
    });
  });
});

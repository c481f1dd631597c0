import { describe, expect, test } from "vitest";
import { fixChecksums, readImage } from "../../../support/images.ts";
import { createObservedDecoder } from "../../../support/observed-decoder.ts";

describe("files with random changes", () => {
  /** A linear congruential generator: the same numbers, from 0 to 1, each time. */
  function createRandom(seed: number): () => number {
    let state = seed;
    return () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
  }

  test.each([
    ["coffee.jpg"],
    ["progressive.jpg"],
    ["rgb.png"],
    ["palette.png"],
    ["chelsea.webp"],
    ["lossless.webp"],
  ])("%s with changed bytes is decoded or refused, and memory stays small", async (name) => {
    const { decodeImage, made } = createObservedDecoder();
    const random = createRandom(11);
    const outcomes = new Set<string>();
    for (let round = 0; round < 150; round++) {
      const file = readImage(name);
      for (let change = 0; change < 1 + (round % 4); change++)
        file[Math.floor(random() * file.length)] = random() * 256;
      // Otherwise hardly any would get as far as the decoder.
      if (name.endsWith(".png")) fixChecksums(file);
      const outcome = await decodeImage(file, "inputs", ({ width }) => `${width > 0}`).catch(
        (error: { code?: string }) => error.code ?? `${error}`,
      );
      outcomes.add(outcome);
    }
    for (const outcome of outcomes)
      expect(["true", "invalid_input", "unsupported_media_type", "overloaded"]).toContain(outcome);
    for (const { codec } of made) expect(codec.memoryBytes()).toBeLessThan(120_000_000);
    expect(await decodeImage(readImage(name), "inputs", ({ width }) => width)).toBeGreaterThan(0);
  });
});

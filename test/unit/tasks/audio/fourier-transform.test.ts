import { describe, expect, test } from "vitest";
import { createSeededRandom } from "../../../../src/shared/random.ts";
import { createFourierTransform } from "../../../../src/tasks/audio/fourier-transform.ts";

/** The definition: `X[k] = sum of x[n] exp(-2 pi i k n / N)`. */
function transformByDefinition(real: Float64Array, imaginary: Float64Array) {
  const size = real.length;
  return Array.from({ length: size }, (_, k) => {
    let [sumReal, sumImaginary] = [0, 0];
    for (let n = 0; n < size; n++) {
      const angle = (-2 * Math.PI * ((k * n) % size)) / size;
      const [a, b] = [real[n] as number, imaginary[n] as number];
      sumReal += a * Math.cos(angle) - b * Math.sin(angle);
      sumImaginary += a * Math.sin(angle) + b * Math.cos(angle);
    }
    return [sumReal, sumImaginary];
  });
}

describe("a transform of complex values", () => {
  test.each([1, 2, 3, 4, 5, 8, 12, 60, 97, 256, 400, 512])(
    "of length %i is the sum of its definition, within 1e-11, and again for other values",
    (size) => {
      const random = createSeededRandom(size);
      const fourier = createFourierTransform(size);
      for (const _ of [1, 2]) {
        for (let at = 0; at < size; at++) {
          fourier.real[at] = random() - 0.5;
          fourier.imaginary[at] = random() - 0.5;
        }
        const expected = transformByDefinition(fourier.real.slice(), fourier.imaginary.slice());
        fourier.transform();
        for (const [k, [real, imaginary]] of expected.entries()) {
          expect(Math.abs((fourier.real[k] as number) - (real as number))).toBeLessThan(1e-11);
          expect(Math.abs((fourier.imaginary[k] as number) - (imaginary as number))).toBeLessThan(
            1e-11,
          );
        }
      }
    },
  );
});

/** A discrete Fourier transform of complex values of one length. */
export interface FourierTransform {
  readonly size: number;
  /** The values, overwritten by their transform. */
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
  transform(): void;
}

/** One pass: sequences of `radix` values, combined by a matrix of roots of unity for each of `groups`. */
interface Pass {
  readonly radix: number;
  readonly groups: number;
  readonly stride: number;
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
}

/**
 * Stockham's form of the fast Fourier transform, for lengths with small prime factors such as Whisper's 400. The sums of
 * each pass contain their twiddle factors.
 * @param size its prime factors determine the cost: `size` times their sum
 */
export function createFourierTransform(size: number): FourierTransform {
  const passes = createPasses(size);
  const real = new Float64Array(size);
  const imaginary = new Float64Array(size);
  const otherReal = new Float64Array(size);
  const otherImaginary = new Float64Array(size);
  return {
    size,
    real,
    imaginary,
    transform() {
      let [fromReal, fromImaginary] = [real, imaginary];
      let [toReal, toImaginary] = [otherReal, otherImaginary];
      for (const pass of passes) {
        runPass(pass, fromReal, fromImaginary, toReal, toImaginary);
        [fromReal, toReal] = [toReal, fromReal];
        [fromImaginary, toImaginary] = [toImaginary, fromImaginary];
      }
      if (fromReal === real) return;
      real.set(fromReal);
      imaginary.set(fromImaginary);
    },
  };
}

function runPass(
  { radix, groups, stride, real, imaginary }: Pass,
  fromReal: Float64Array,
  fromImaginary: Float64Array,
  toReal: Float64Array,
  toImaginary: Float64Array,
): void {
  const step = stride * groups;
  let root = 0;
  for (let group = 0; group < groups; group++)
    for (let output = 0; output < radix; output++) {
      const to = stride * (radix * group + output);
      for (let at = 0; at < stride; at++) {
        let from = stride * group + at;
        let sumReal = 0;
        let sumImaginary = 0;
        for (let input = root; input < root + radix; input++) {
          const a = fromReal[from] as number;
          const b = fromImaginary[from] as number;
          const c = real[input] as number;
          const d = imaginary[input] as number;
          sumReal += a * c - b * d;
          sumImaginary += a * d + b * c;
          from += step;
        }
        toReal[to + at] = sumReal;
        toImaginary[to + at] = sumImaginary;
      }
      root += radix;
    }
}

function createPasses(size: number): Pass[] {
  const passes: Pass[] = [];
  let stride = 1;
  for (const radix of factors(size)) {
    const groups = size / stride / radix;
    const real = new Float64Array(groups * radix * radix);
    const imaginary = new Float64Array(real.length);
    let at = 0;
    for (let group = 0; group < groups; group++)
      for (let output = 0; output < radix; output++)
        for (let input = 0; input < radix; input++) {
          // Of the whole turn, in parts of `groups * radix`.
          const part = (output * (input * groups + group)) % (groups * radix);
          const angle = (-2 * Math.PI * part) / (groups * radix);
          real[at] = Math.cos(angle);
          imaginary[at] = Math.sin(angle);
          at++;
        }
    passes.push({ radix, groups, stride, real, imaginary });
    stride *= radix;
  }
  return passes;
}

/** Prime factors, where two factors of 2 are one of 4: it takes as many operations, and one pass. */
function factors(size: number): number[] {
  const found: number[] = [];
  let rest = size;
  for (let factor = 4; rest > 1; factor = factor === 4 ? 2 : factor === 2 ? 3 : factor + 2)
    while (rest % factor === 0) {
      found.push(factor);
      rest /= factor;
    }
  return found;
}

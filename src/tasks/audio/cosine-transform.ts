import type { Call } from "../../domain/call.ts";

/**
 * The orthonormal cosine transform of type 2 of each frame's bins, as `scipy.fft.dct(norm="ortho")`, with librosa's liftering.
 * @param lifter 0 for none
 */
export function createCosineTransform(bins: number, coefficients: number, lifter: number) {
  const matrix = Float64Array.from({ length: coefficients * bins }, (_, at) => {
    const [row, bin] = [Math.floor(at / bins), at % bins];
    const scale = Math.sqrt((row === 0 ? 1 : 2) / bins);
    const lift = lifter > 0 ? 1 + (lifter / 2) * Math.sin((Math.PI * (row + 1)) / lifter) : 1;
    return scale * lift * Math.cos((Math.PI * row * (2 * bin + 1)) / (2 * bins));
  });
  /** @param mel rows of the bins */
  return async (
    mel: Float32Array,
    frames: number,
    framesPerStep: number,
    checkpoint: Call["checkpoint"],
  ): Promise<Float32Array> => {
    const result = new Float32Array(coefficients * frames);
    for (let frame = 0; frame < frames; frame++) {
      for (let row = 0; row < coefficients; row++) {
        let sum = 0;
        for (let bin = 0; bin < bins; bin++)
          sum += (matrix[row * bins + bin] as number) * (mel[bin * frames + frame] as number);
        result[row * frames + frame] = sum;
      }
      if (frame % framesPerStep === framesPerStep - 1) await checkpoint();
    }
    return result;
  };
}

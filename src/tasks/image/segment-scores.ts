import type { ImageSegmentationBlock } from "../../domain/blocks/postprocess/image-segmentation.ts";
import { sigmoid } from "../../shared/activations.ts";
import type { Planes } from "./image-grid.ts";

type Activation = ImageSegmentationBlock["activation"];

/**
 * How sure the model is of each label: the mean probability of the cells in which it is the highest. Of a label that is the highest
 * between cells only, its largest probability.
 * @param best the highest label of each cell
 * @returns a score for each label; 0 of those that are nowhere
 */
export function scoresOfLabels(
  planes: Planes,
  best: Uint16Array,
  activation: Activation,
): Float64Array {
  const sums = new Float64Array(planes.planes);
  const counts = new Uint32Array(planes.planes);
  const largest = new Float64Array(planes.planes);
  for (let cell = 0; cell < best.length; cell++) {
    const label = best[cell] as number;
    const probability = probabilityIn(planes, cell, label, activation);
    sums[label] = (sums[label] as number) + probability;
    counts[label] = (counts[label] as number) + 1;
  }
  return sums.map((sum, label) => {
    const count = counts[label] as number;
    return count > 0 ? sum / count : largestOf(label);
  });

  function largestOf(label: number): number {
    for (let cell = 0; cell < best.length; cell++)
      largest[label] = Math.max(
        largest[label] as number,
        probabilityIn(planes, cell, label, activation),
      );
    return largest[label] as number;
  }
}

function probabilityIn(
  { values, start, planes, planeStep, cellStep }: Planes,
  cell: number,
  label: number,
  activation: Activation,
): number {
  const numbers = values as Float32Array;
  const at = start + cell * cellStep;
  const own = numbers[at + label * planeStep] as number;
  if (activation === "none") return own;
  if (activation === "sigmoid") return sigmoid(own);
  let sum = 0;
  for (let plane = 0; plane < planes; plane++)
    sum += Math.exp((numbers[at + plane * planeStep] as number) - own);
  return 1 / sum;
}

/** How well a model's answers agree with the truths, as in `sklearn.metrics`. */
export const METRICS = ["accuracy", "log_loss", "r2", "rmse"] as const;
export type MetricName = (typeof METRICS)[number];

export interface Metric {
  /** Of classes: truths are indices of labels, predictions their probabilities. Else both are numbers. */
  readonly isOfClasses: boolean;
  /** Whether less is better. */
  readonly isLoss: boolean;
  /** @param predictions row by row, `predictions.length / truths.length` numbers each */
  compute(truths: ArrayLike<number>, predictions: ArrayLike<number>): number;
}

/** The distance of 1 from the next double: probabilities are held so far from 0 and 1. */
const EPSILON = Number.EPSILON;

export const METRIC_DEFINITIONS: Readonly<Record<MetricName, Metric>> = {
  accuracy: {
    isOfClasses: true,
    isLoss: false,
    compute: (truths, predictions) =>
      meanOver(truths, (truth, row) => {
        const width = predictions.length / truths.length;
        let best = 0;
        for (let index = 1; index < width; index++)
          if ((predictions[row * width + index] ?? 0) > (predictions[row * width + best] ?? 0))
            best = index;
        return best === truth ? 1 : 0;
      }),
  },
  log_loss: {
    isOfClasses: true,
    isLoss: true,
    compute: (truths, predictions) =>
      meanOver(truths, (truth, row) => {
        const width = predictions.length / truths.length;
        const probability = predictions[row * width + truth] ?? 0;
        return -Math.log(Math.min(Math.max(probability, EPSILON), 1 - EPSILON));
      }),
  },
  r2: {
    isOfClasses: false,
    isLoss: false,
    compute(truths, predictions) {
      const mean = meanOver(truths, (truth) => truth);
      const total = meanOver(truths, (truth) => (truth - mean) ** 2);
      const rest = meanOver(truths, (truth, row) => (truth - (predictions[row] ?? 0)) ** 2);
      if (total === 0) return rest === 0 ? 1 : 0;
      return 1 - rest / total;
    },
  },
  rmse: {
    isOfClasses: false,
    isLoss: true,
    compute: (truths, predictions) =>
      Math.sqrt(meanOver(truths, (truth, row) => (truth - (predictions[row] ?? 0)) ** 2)),
  },
};

function meanOver(truths: ArrayLike<number>, of: (truth: number, row: number) => number): number {
  let sum = 0;
  for (let row = 0; row < truths.length; row++) sum += of(truths[row] ?? 0, row);
  return sum / truths.length;
}

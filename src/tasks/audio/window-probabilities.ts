import type { AudioWindowsBlock } from "../../domain/blocks/preprocess/audio-windows.ts";
import type { Trace } from "../../domain/trace.ts";
import type { ModelSet } from "../task.ts";
import type { RecurrentModel } from "./recurrent-model.ts";
import { type FramingState, frame, initialFraming } from "./windows.ts";

/** The state from which probabilities continue. */
export interface ProbabilityState {
  readonly framing: FramingState;
  /** The model's own state: the values of its state tensors, one tensor after the other. */
  readonly recurrent: Float32Array;
}

type WindowShape = Pick<AudioWindowsBlock, "windowSamples" | "contextSamples" | "windowsPerRun">;

export function initialProbabilities(shape: WindowShape, model: RecurrentModel): ProbabilityState {
  return { framing: initialFraming(shape), recurrent: new Float32Array(model.stateLength) };
}

/** The probabilities of the windows of one signal, which arrives in pieces. */
export class WindowProbabilities {
  readonly #shape: WindowShape;
  readonly #model: RecurrentModel;
  readonly #models: Pick<ModelSet, "infer">;
  #state: ProbabilityState;

  constructor(
    shape: WindowShape,
    model: RecurrentModel,
    models: Pick<ModelSet, "infer">,
    state: ProbabilityState,
  ) {
    this.#shape = shape;
    this.#model = model;
    this.#models = models;
    this.#state = state;
  }

  get state(): ProbabilityState {
    return this.#state;
  }

  /**
   * @param samples computes the next samples
   * @param pad whether the signal ends with them, so that silence fills its last window
   * @returns one for each window that is full
   */
  async push(samples: () => Float32Array, pad: boolean, trace: Trace): Promise<number[]> {
    const { windowSamples, contextSamples, windowsPerRun } = this.#shape;
    const width = contextSamples + windowSamples;
    let { framing, recurrent } = this.#state;
    const framed = trace.measure("preprocess", () => frame(this.#shape, framing, samples(), pad));
    framing = framed.state;
    const probabilities: number[] = [];
    for (let first = 0; first < framed.count; first += windowsPerRun) {
      const count = Math.min(windowsPerRun, framed.count - first);
      const windows = framed.windows.subarray(first * width, (first + count) * width);
      const result = await this.#model.step(this.#models, windows, count, recurrent);
      recurrent = result.state;
      for (const probability of result.values) probabilities.push(probability);
    }
    this.#state = { framing, recurrent };
    return probabilities;
  }
}

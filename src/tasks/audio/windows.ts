/** How a signal is split into windows, each with the last samples of the one before it. */
export interface WindowShape {
  /** New samples of a window. */
  readonly windowSamples: number;
  /** Samples in front of them, from the window before; silence before the first one. */
  readonly contextSamples: number;
}

/** The state from which framing continues. */
export interface FramingState {
  /** The context of the next window: always `contextSamples` long. */
  readonly context: Float32Array;
  /** Samples of a window that is not full yet: fewer than `windowSamples`. */
  readonly waiting: Float32Array;
}

export function initialFraming({ contextSamples }: WindowShape): FramingState {
  return { context: new Float32Array(contextSamples), waiting: new Float32Array(0) };
}

export interface Framing {
  /** Rows of `contextSamples + windowSamples`, in row-major order. */
  readonly windows: Float32Array<ArrayBuffer>;
  readonly count: number;
  readonly state: FramingState;
}

/**
 * Splits samples into windows.
 * @param pad whether the signal ends here, so that silence fills its last window
 */
export function frame(
  { windowSamples, contextSamples }: WindowShape,
  { context, waiting }: FramingState,
  samples: Float32Array,
  pad: boolean,
): Framing {
  const length = waiting.length + samples.length;
  const count = pad ? Math.ceil(length / windowSamples) : Math.floor(length / windowSamples);
  // The context, then the signal: each window is a part of it, and overlaps the one before.
  const signal = new Float32Array(contextSamples + Math.max(length, count * windowSamples));
  signal.set(context);
  signal.set(waiting, contextSamples);
  signal.set(samples, contextSamples + waiting.length);
  const width = contextSamples + windowSamples;
  const windows = new Float32Array(count * width);
  for (let index = 0; index < count; index++) {
    const start = index * windowSamples;
    windows.set(signal.subarray(start, start + width), index * width);
  }
  const next = count * windowSamples;
  const state = {
    context: signal.slice(next, next + contextSamples),
    waiting: signal.slice(next + contextSamples, contextSamples + Math.max(next, length)),
  };
  return { windows, count, state };
}

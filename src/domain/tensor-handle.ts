import type { NumericDatatype } from "./datatype.ts";
import type { NumericTensor, Tensor } from "./tensor.ts";

/**
 * A tensor in the wasm heap of a leased model, which runs read and write without a copy. It belongs to
 * its lease, and is released with it at the latest. Strings (`BYTES`) have no handles.
 */
export interface TensorHandle extends Disposable {
  /** The name of the output, or the name with which it was allocated. */
  readonly name: string;
  readonly datatype: NumericDatatype;
  readonly shape: readonly number[];
  readonly sizeBytes: number;
  /**
   * Copies the data out of the heap.
   * @throws what {@link LeasedModel.run} throws for a handle or a lease that is no longer valid
   */
  read(): NumericTensor;
  /**
   * Copies some elements out of the heap, in row-major order.
   * @throws what {@link read} throws; RangeError for elements that the tensor does not have
   */
  readElements(start: number, count: number): Uint8Array;
  /** Releases the tensor; does nothing when it was released before. */
  dispose(): void;
}

/** Equal blocks of elements, in row-major order: the first one begins at `start`, each other one `stride` after the one before. */
export interface BlockPositions {
  readonly start: number;
  readonly stride: number;
}

/** A copy of blocks from one tensor to another. */
export interface BlockCopy {
  readonly blocks: number;
  /** Of each block. */
  readonly elements: number;
  readonly from: BlockPositions;
  readonly to: BlockPositions;
}

/**
 * A handle under the name of a model's input or output: as a feed the tensor that is read, as an
 * output the tensor that is written, whose datatype and shape must be those of the output.
 */
export interface TensorBinding {
  readonly name: string;
  readonly handle: TensorHandle;
}

/** An output that stays in the heap. */
export interface KeptOutput {
  readonly name: string;
  readonly keep: true;
}

/** The value of an input: a tensor, which is copied to the heap, or a tensor that is already there. */
export type RunFeed = Tensor | TensorBinding;

/** The destination of an output: copied (a name alone), kept, or written to a tensor that is already in the heap. */
export type RunOutput = string | KeptOutput | TensorBinding;

/** The results of a run: a tensor for an output that is copied, a handle for any other. */
export type RunResults<Outputs extends readonly RunOutput[]> = {
  -readonly [Index in keyof Outputs]: RunResult<Outputs[Index]>;
};
type RunResult<Output> = Output extends string ? Tensor : TensorHandle;

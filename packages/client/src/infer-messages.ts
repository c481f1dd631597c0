import type { Datatype, InferInputs, OutputTensor } from "./tensor-types.ts";

export interface InferRequest {
  readonly model: string;
  /** By default the newest version, or the one that the model's routing selects. */
  readonly version?: string | undefined;
  /** Returned as the result's `id`. */
  readonly id?: string | undefined;
  readonly inputs: InferInputs;
  /** The outputs to return, in this order; by default all. */
  readonly outputs?: readonly (string | RequestedOutput)[] | undefined;
  /** Parameters of the protocol's request, such as `priority`. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** Whether tensors travel as bytes (the default) or as JSON. The numbers are the same. */
  readonly binary?: boolean | undefined;
}

export interface RequestedOutput {
  readonly name: string;
  /** Whether this output is sent as bytes; by default as in the request. */
  readonly binary?: boolean | undefined;
  /** The n highest values as `BYTES` of `value:index:label` instead of the tensor. */
  readonly classification?: number | undefined;
}

export interface InferResult {
  readonly modelName: string;
  readonly modelVersion: string | undefined;
  readonly id: string | undefined;
  readonly outputs: readonly OutputTensor[];
  /**
   * The output of that name.
   * @param datatype narrows the type
   * @throws OnnxflareError when there is none, or it is of another datatype
   */
  output<D extends Datatype = Datatype>(name: string, datatype?: D): OutputTensor<D>;
}

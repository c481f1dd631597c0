import type { Datatype, InferInputs, OutputTensor } from "./tensor-types.ts";

export interface InferRequest {
  readonly model: string;
  /** Left out, the newest version is used, or the one that the model's routing chooses. */
  readonly version?: string | undefined;
  /** Comes back as the result's `id`. */
  readonly id?: string | undefined;
  readonly inputs: InferInputs;
  /** Those wanted, in this order; left out, all. */
  readonly outputs?: readonly (string | RequestedOutput)[] | undefined;
  /** Of the protocol's request, such as `priority`. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** Whether tensors travel as bytes (the default) or as JSON. The numbers are the same. */
  readonly binary?: boolean | undefined;
}

export interface RequestedOutput {
  readonly name: string;
  /** Whether this output comes as bytes; left out, as in the request. */
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

import type { Datatype } from "./tensor-types.ts";

/** Metadata of the server and its models; further fields are passed through. */

export interface ServerMetadata {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: Datatype;
  /** -1 for a dynamic dimension. */
  readonly shape: readonly number[];
  readonly parameters?: Readonly<Record<string, unknown>>;
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions?: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** Triton's `ModelConfig`; the fields that this server fills. */
export interface ModelConfig {
  readonly name: string;
  readonly platform: string;
  readonly backend: string;
  readonly max_batch_size: number;
  readonly input: readonly ConfigTensor[];
  readonly output: readonly ConfigTensor[];
  readonly [field: string]: unknown;
}

export interface ConfigTensor {
  readonly name: string;
  /** `TYPE_FP32`, `TYPE_STRING` for `BYTES`, and so on. */
  readonly data_type: string;
  readonly dims: readonly number[];
}

export interface DurationStatistic {
  readonly count: number;
  /** Total nanoseconds. */
  readonly ns: number;
}

export interface ModelStatistics {
  readonly name: string;
  readonly version: string;
  /** Milliseconds since the epoch; 0 before the first. */
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Readonly<Record<string, DurationStatistic>>;
  readonly [field: string]: unknown;
}

export interface Statistics {
  readonly model_stats: readonly ModelStatistics[];
  /** `"isolate"`: each isolate counts its own requests. */
  readonly scope?: string;
}

export interface RepositoryIndexEntry {
  readonly name: string;
  readonly version?: string;
  readonly state?: string;
  readonly reason?: string;
}

export interface ModelState {
  readonly name: string;
  /** `ready`, `loading` or `absent`. */
  readonly state: string;
}

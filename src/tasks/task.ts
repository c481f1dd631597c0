import type { z } from "zod";
import type { Call } from "../domain/call.ts";
import type { Lease } from "../domain/ports.ts";
import type { TaskRequest, TaskResult } from "../domain/task.ts";
import type { Tensor } from "../domain/tensor.ts";

/** The models of a version, as its task uses them. */
export interface ModelSet {
  /**
   * Runs a model once, or takes the outputs of an identical run from the cache.
   * @param outputs names of the outputs to return, in the order wanted
   * @param member one of the version's `models`; the main one when left out
   */
  infer(
    inputs: readonly Tensor[],
    outputs: readonly string[],
    member?: string,
  ): Promise<readonly Tensor[]>;
  /**
   * Keeps a model loaded for as long as the call may last, for runs that leave tensors in its heap. The caller
   * disposes it.
   * @param reservedBytes memory that handles and longer runs will need beside the model
   * @param member one of the version's `models`; the main one when left out
   * @throws ApiError of the load; `out_of_memory` and `overloaded` when the memory cannot be reserved
   */
  lease(reservedBytes?: number, member?: string): Promise<Lease>;
}

/** Executes requests, with a result as a whole or in parts. Created once for each version of a model. */
export interface Task {
  /** Schema of the request's `parameters`. */
  readonly parameters: z.ZodObject;
  /**
   * What a stream acquires, such as a lease, is released by its end and by the iterator's `return`: a client may close the
   * connection before the first part is requested, and then nothing else is called, nor does a generator's `finally` run.
   * @throws ApiError for parameters that the task does not take before anything is run, and for an item before its run
   */
  execute(request: TaskRequest, models: ModelSet, call: Call): Promise<TaskResult>;
}

import type { Call } from "../domain/call.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { TaskRequest, TaskResult } from "../domain/task.ts";
import type { Tensor } from "../domain/tensor.ts";
import type { AnyPostprocessor } from "../tasks/postprocessor.ts";
import type { AnyPreprocessor } from "../tasks/preprocessor.ts";

/** A version whose answers are explained: what the methods can ask of it. Its runs neither read nor fill the cache. */
export interface ExplainedVersion {
  readonly model: PublishedModel;
  /** That of the request; `checkpoint()` is awaited between two pieces of work. */
  readonly call: Call;
  /**
   * Runs a model of the version once.
   * @param rows that the run counts as, of those that the request may take
   * @param member one of the version's `models`; the main one when left out
   * @throws ApiError of the run; `invalid_request` when more rows are run than the method has announced
   */
  infer(
    inputs: readonly Tensor[],
    outputs: readonly string[],
    rows: number,
    member?: string,
  ): Promise<readonly Tensor[]>;
  /** Runs the version's task. @param rows that it counts as */
  execute(request: TaskRequest, rows: number): Promise<TaskResult>;
  /** What makes tensors of inputs and predictions of outputs; `undefined` for a task that is not run in batches. */
  blocks(): Promise<VersionBlocks | undefined>;
  /** Inputs of the task, kept with the version; `undefined` when there are none. */
  background(): Promise<readonly unknown[] | undefined>;
  /** A file of the version, checked against its digest. */
  readFile(path: string): Promise<Uint8Array>;
}

export interface VersionBlocks {
  readonly preprocessor: AnyPreprocessor;
  readonly postprocessor: AnyPostprocessor;
}

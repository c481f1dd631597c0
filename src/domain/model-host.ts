import type { Call, WaitUntil } from "./call.ts";
import type { Manifest } from "./manifest.ts";
import type { ModelId } from "./model-id.ts";
import type { ModelDescription, ModelState, RuntimeStats } from "./ports.ts";
import type { PublishedModel } from "./published-model.ts";
import type { TaskRequest, TaskResult } from "./task.ts";
import type { Tensor } from "./tensor.ts";

/** One run of a model. */
export interface InferRequest {
  readonly model: PublishedModel;
  /** One of the version's `models`; the main one when left out. */
  readonly member?: string | undefined;
  /** Each input of the model once. */
  readonly inputs: readonly Tensor[];
  /** Names of the outputs to return, in the requested order; all of them when left out. */
  readonly outputs?: readonly string[] | undefined;
}

/**
 * Runs a model.
 * @throws ApiError for inputs or output names that the model does not have, for failed loads and runs, and for a
 *   deadline that has passed
 */
export type Infer = (request: InferRequest, call: Call) => Promise<readonly Tensor[]>;

/** One run of a model whose outputs may be in the cache. */
export interface CacheableRun {
  readonly model: PublishedModel;
  /** Names of the outputs to return, in the requested order. */
  readonly outputs: readonly string[];
  /**
   * The cache key of the run.
   * @param client the id of the principal whose requests may use the entry; `undefined` for all
   */
  key(client: string | undefined): Promise<string>;
  run(call: Call): Promise<readonly Tensor[]>;
}

/** Reads the outputs of a run from the cache, or runs it. */
export type RunCached = (run: CacheableRun, call: Call) => Promise<readonly Tensor[]>;

/** A request to the task of a version. */
export interface ModelTaskRequest extends TaskRequest {
  readonly model: PublishedModel;
  /** Used for each run of the task that is not part of a lease. The cache is not used when it is left out. */
  readonly runCached?: RunCached;
}

/** A model file that is not published yet. */
export interface CandidateModel {
  readonly id: ModelId;
  readonly path: string;
  readonly format: Manifest["format"];
  readonly sizeBytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/**
 * Where versions run: in this isolate, or elsewhere. Its users do not depend on how models are loaded, kept and
 * evicted.
 */
export interface ModelHost {
  readonly infer: Infer;
  /**
   * Runs the version's task: preprocessing, runs, postprocessing.
   * @throws ApiError `task_not_supported`, and what {@link infer} throws
   */
  execute(request: ModelTaskRequest, call: Call): Promise<TaskResult>;
  /**
   * Loads all models of the version that are not loaded.
   * @throws ApiError of the load
   */
  load(model: PublishedModel, waitUntil: WaitUntil): Promise<void>;
  /**
   * Loads a model file that is not published yet, to read its inputs and outputs and to check that it can be served.
   * @throws ApiError of the load
   */
  describe(candidate: CandidateModel, waitUntil: WaitUntil): Promise<ModelDescription>;
  /** Of all models of the version together. */
  state(model: Pick<PublishedModel, "manifest">): Promise<ModelState>;
  /** Frees the version's memory; returns whether it was loaded. */
  unload(model: Pick<PublishedModel, "manifest">): Promise<boolean>;
  /**
   * Drops what is kept of requests for later ones, such as prefixes of prompts, in each isolate in which versions run, as far as this one
   * knows them.
   */
  dropKept(): Promise<DroppedKept>;
  /** Of each isolate in which versions run, as far as this one knows them. */
  stats(): Promise<readonly IsolateStats[]>;
}

export interface DroppedKept {
  readonly dropped: number;
  /** Isolates of models that did not reply: what they keep ends ten minutes after it was last used. */
  readonly unreached: number;
}

/** The state of an isolate's runtime. */
export interface IsolateStats extends RuntimeStats {
  /** The model whose own isolate it is; `undefined` for the isolate that handles requests. */
  readonly model?: (ModelId & { readonly digest: string }) | undefined;
}

import type { TelemetryEvent } from "./event.ts";
import type { Manifest } from "./manifest.ts";
import type { ModelId } from "./model-id.ts";
import type { Tensor, TensorSpec } from "./tensor.ts";

/**
 * What the services need of the world. Each port has at least one adapter, and every adapter of a
 * port passes the same contract suite (`test/contracts`).
 */

/** A file of a published version, as a stream whose length is known before it is read. */
export interface StoredFile {
  readonly sizeBytes: number;
  readonly body: ReadableStream<Uint8Array>;
}

export interface StoredVersion {
  readonly version: string;
  /** Changes when the version was deleted and published anew. */
  readonly revision: string;
}

/** Published models: immutable versions, each existing from the moment its manifest does. */
export interface ModelStore {
  /** Every published version, in no particular order. */
  list(): Promise<readonly ModelId[]>;
  /** The published versions of one model, newest first; empty when there is no such model. */
  versions(name: string): Promise<readonly StoredVersion[]>;
  /**
   * The manifest's JSON, not yet validated, or `undefined` when the version does not exist.
   * @throws ApiError `model_corrupt` when it is not JSON
   */
  manifest(id: ModelId): Promise<unknown>;
  /** `undefined` when the file is missing. */
  file(id: ModelId, path: string): Promise<StoredFile | undefined>;
}

/** Where versions are made and unmade. */
export interface ModelWriter {
  /**
   * Writes a file of a version that is not published yet.
   * @param body exactly `sizeBytes` long
   */
  putFile(
    id: ModelId,
    path: string,
    body: ReadableStream<Uint8Array>,
    sizeBytes: number,
  ): Promise<void>;
  deleteFile(id: ModelId, path: string): Promise<void>;
  /** Publishes the version, unless it exists: answers whether it did not. */
  publish(manifest: Manifest): Promise<boolean>;
  /** Ends the version and removes its files; answers whether it existed. */
  remove(id: ModelId): Promise<boolean>;
}

/** What the runtime needs to load a model. */
export interface ModelSource {
  readonly id: ModelId;
  readonly format: Manifest["format"];
  readonly sizeBytes: number;
  /** Hexadecimal, the model's identity; bytes with another digest are refused. */
  readonly sha256: string;
  readonly prepack: boolean;
  /** The heap that the loaded model was measured to need, when its manifest says. */
  readonly heapBytes: number | undefined;
  /** @throws ApiError `model_missing` */
  open(): Promise<StoredFile>;
  /**
   * Called once with the freshly loaded model, before anyone else may run it: checks that it is
   * what was published, and warms it up.
   * @throws ApiError that fails the load
   */
  prepare(model: LoadedModel): Promise<void>;
}

export interface ModelDescription {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** A model that is ready to run, to be used only within the call that hands it out. */
export interface LoadedModel {
  describe(): ModelDescription;
  /**
   * Synchronous and atomic: it needs no lock.
   * @param inputs every input of the model, checked against its declaration
   * @param outputs names of the outputs to return, in the order wanted
   * @throws ApiError `inference_failed` when the engine refuses, `out_of_memory`, `engine_crashed`
   */
  run(inputs: readonly Tensor[], outputs: readonly string[]): Tensor[];
}

/** Keeps a piece of work alive when the request that began it goes away. */
export type WaitUntil = (work: Promise<unknown>) => void;

/** Whether a request had to wait for its model. */
export type Temperature = "cold" | "warm";

export type ModelState =
  | { readonly state: "absent" | "loading" | "ready" }
  | { readonly state: "failed"; readonly error: unknown };

/** The state of the runtime, for operators. */
export interface RuntimeStats {
  readonly budgetBytes: number;
  readonly usedBytes: number;
  /** Models loaded, evicted, and cells lost to a crash or to memory, since the isolate began. */
  readonly loads: number;
  readonly evictions: number;
  readonly crashes: number;
  readonly cells: readonly {
    readonly shared: boolean;
    readonly memoryBytes: number;
    /** Whether its engine began with the memory of one that had started before. */
    readonly fromSnapshot: boolean;
    readonly models: readonly (ModelId & { readonly heapBytes: number })[];
  }[];
}

/** Memory of the isolate that is not the models': that of image codecs. */
export interface OtherMemory {
  readonly memoryBytes: number;
  /** Gives up all that nobody uses at the moment. */
  release(): void;
}

/** Holds models ready within a memory budget. */
export interface ModelRuntime {
  /**
   * Hands the model to `work`, loading it first if need be: once, however many callers wait.
   * @param work must be synchronous, so that the model cannot be evicted while it is used
   * @throws ApiError `model_missing`, `model_corrupt`, `model_load_failed`, `model_too_large`,
   *   `out_of_memory`, `engine_crashed`; the next call tries again
   */
  use<T>(
    source: ModelSource,
    waitUntil: WaitUntil,
    work: (model: LoadedModel, temperature: Temperature) => T,
  ): Promise<T>;
  state(sha256: string): ModelState;
  /** Gives the model's memory back; answers whether it was loaded. */
  unload(sha256: string): boolean;
  /** Counts other memory within the budget from now on; a model that needs the room releases it. */
  count(memory: OtherMemory): void;
  /** Evicts idle models, least recently used first, until so many bytes of other memory fit, or none is left. */
  makeRoom(bytes: number): void;
  stats(): RuntimeStats;
}

/** The monitoring hook: receives an event for each request, and of each purge. */
export interface EventSink {
  emit(event: TelemetryEvent): void;
}

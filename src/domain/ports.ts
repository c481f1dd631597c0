import type { WaitUntil } from "./call.ts";
import type { NumericDatatype } from "./datatype.ts";
import type { Manifest } from "./manifest.ts";
import type { ModelId } from "./model-id.ts";
import type { NumericTensor, Tensor, TensorSpec } from "./tensor.ts";
import type { BlockCopy, RunFeed, RunOutput, RunResults, TensorHandle } from "./tensor-handle.ts";

/**
 * The interfaces to storage, runtime and monitoring. Every adapter of a storage port or of {@link EventSink} passes the
 * port's contract suite (`test/contracts`); {@link ModelRuntime} has one adapter, which `test/unit/runtime` and
 * `test/workerd/runtime` test.
 */

/** A file of a published version, as a stream whose length is known before it is read. */
export interface StoredFile {
  readonly sizeBytes: number;
  readonly body: ReadableStream<Uint8Array>;
  /** What the body has failed with, for those who read it where errors of streams do not arrive as they are. */
  readonly failure?: () => unknown;
}

export interface StoredVersion {
  readonly version: string;
  /** Changes when the version is deleted and published again. */
  readonly revision: string;
  /** When the version was published here, in milliseconds since the epoch. */
  readonly publishedAt: number;
  /** Of its reference profile, which changes with it; absent when there is none, or when it was not looked for. */
  readonly profileEtag?: string;
  /** The same of its background rows. */
  readonly backgroundEtag?: string;
}

export interface StoredPublication {
  readonly manifest: unknown;
  /** The manifest as it is stored, which a signature signs. */
  readonly manifestText: string;
  readonly revision: string;
}

export interface ListedVersion extends ModelId, StoredVersion {}

/** What is stored of one model. */
export interface StoredListing {
  readonly versions: readonly StoredVersion[];
  /** Changes with each change of the routing; `undefined` when there is none. */
  readonly routingEtag: string | undefined;
}

export interface StoredRouting {
  readonly value: unknown;
  readonly etag: string;
}

/** Routings, and the older parts of their histories. */
export interface RoutingStore extends Pick<ModelStore, "routing"> {
  /**
   * Writes a routing if it is still the one that was read.
   * @param etag of that one; `undefined` when there was none
   * @returns false, without effect, when it is another one
   */
  putRouting(name: string, value: object, etag: string | undefined): Promise<boolean>;
  /** The first revisions of the older parts, in no particular order. */
  historyParts(name: string): Promise<readonly number[]>;
  /** A part's JSON, not yet validated, or `undefined` when there is none. */
  historyPart(name: string, firstRevision: number): Promise<unknown>;
  /** Writes a part, which never changes; returns false, without effect, if it exists. */
  putHistoryPart(name: string, firstRevision: number, value: object): Promise<boolean>;
  /** Whether the manifest of a version exists. */
  isPublished(id: ModelId): Promise<boolean>;
}

/** Published models: immutable versions, each existing from the moment its manifest does. */
export interface ModelStore {
  /** Every published version, in no particular order. Reads no manifest. */
  list(): Promise<readonly ListedVersion[]>;
  /** The published versions of one model, newest first; empty when there is no such model. */
  versions(name: string): Promise<readonly StoredVersion[]>;
  /** The versions, and the entity tag of the routing, by one listing. */
  listing(name: string): Promise<StoredListing>;
  /**
   * The routing's JSON, not yet validated, or `undefined` when there is none.
   * @throws ApiError `routing_corrupt` when it is not JSON, or too large
   */
  routing(name: string): Promise<StoredRouting | undefined>;
  /**
   * The manifest's JSON, not yet validated, or `undefined` when the version does not exist.
   * @throws ApiError `model_corrupt` when it is not JSON
   */
  manifest(id: ModelId): Promise<unknown>;
  /** The manifest with its revision, which may be another one than a listing had. */
  publication(id: ModelId): Promise<StoredPublication | undefined>;
  /**
   * The JSON of the signature of a manifest, not yet verified, or `undefined` when there is none.
   * @param manifestText as it is stored
   */
  signature(id: ModelId, manifestText: string): Promise<unknown>;
  /** `undefined` when the file is missing. */
  file(id: ModelId, path: string): Promise<StoredFile | undefined>;
  /** Whether storage has an object of this key, of a version or not. */
  hasObject(key: string): Promise<boolean>;
}

/** Object storage, as far as the files of versions are read from it. */
export type ModelFiles = Pick<ModelStore, "file">;

/** Writes versions. */
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
  /** Stores the signature of a manifest that is published later. */
  putSignature(id: ModelId, manifestText: string, signature: object): Promise<void>;
  /**
   * Claims a folder of the version for one publication.
   * @returns false, without effect, for a folder that another one has claimed, or that has files
   */
  claimFolder(id: ModelId, folder: string): Promise<boolean>;
  releaseFolder(id: ModelId, folder: string): Promise<void>;
  /**
   * Publishes the version; returns false, without effect, if it exists.
   * @param manifestText what is stored, as `toManifestText` returns it
   */
  publish(id: ModelId, manifestText: string): Promise<boolean>;
}

/** Leases a model before it is ready. */
export type PrepareLease = (reservedBytes?: number) => Lease;

/** A model file that the runtime can load. */
export interface ModelSource {
  readonly id: ModelId;
  readonly format: Manifest["format"];
  readonly sizeBytes: number;
  /** Hexadecimal, the model's identity; bytes with another digest are refused. */
  readonly sha256: string;
  readonly prepack: boolean;
  /** The measured size of the loaded model in the heap, if its manifest declares it. */
  readonly heapBytes: number | undefined;
  /** Models of the same group share a cell, which no others share: those of a version that are used together. */
  readonly group?: string | undefined;
  /** @throws ApiError `model_missing` */
  open(): Promise<StoredFile>;
  /**
   * Called once with the newly loaded model, before any request runs it: checks that it is the
   * published one, and warms it up.
   * @param lease leases the model for its preparation, with which the lease ends at the latest
   * @throws ApiError that fails the load
   */
  prepare(model: LoadedModel, lease: PrepareLease): Promise<void>;
}

export interface ModelDescription {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** A model that is ready to run, valid only within the callback that receives it. */
export interface LoadedModel {
  describe(): ModelDescription;
  /**
   * Synchronous and atomic: it needs no lock.
   * @param inputs every input of the model, checked against its declaration
   * @param outputs names of the outputs to return, in the requested order
   * @throws ApiError `inference_failed` when the engine refuses the inputs, `out_of_memory`, `engine_crashed`
   */
  run(inputs: readonly Tensor[], outputs: readonly string[]): Tensor[];
}

/** A model that its lease keeps loaded, valid as long as the lease. */
export interface LeasedModel extends LoadedModel {
  /**
   * Synchronous and atomic, as {@link LoadedModel.run}. A cache that grows is kept and fed to the next
   * run; a cache of a fixed size is fed and written in the same run, which the model's operators must
   * support (`com.microsoft.GroupQueryAttention` does for `past_*` and `present_*`).
   * @param feeds every input of the model, each a tensor or the binding of a handle
   * @param outputs the requested outputs, each by its name alone, to be kept, or with the handle to write to
   * @returns in the order of `outputs`: a tensor, a new handle that the caller disposes, or the handle given
   * @throws ApiError what {@link LoadedModel.run} throws; `deadline_exceeded` after the lease expired;
   *   `engine_crashed` when the model's memory was lost, to a crash of its engine
   * @throws Error for a handle that was disposed or belongs to another lease, for a lease that was
   *   disposed, and for an output that cannot be kept: strings, and inputs that the model passes through
   */
  run<const Outputs extends readonly RunOutput[]>(
    feeds: readonly RunFeed[],
    outputs: Outputs,
  ): RunResults<Outputs>;
}

export interface LeaseOptions {
  /**
   * Milliseconds since the epoch. The lease expires then: the platform may end a request without running its
   * `finally` blocks.
   */
  readonly expiresAt: number;
  /**
   * Memory that handles and longer runs will need beside the model, reserved in the budget as long as
   * the lease lives. Handles may take more, while the budget allows it. 0 by default.
   */
  readonly reservedBytes?: number;
}

/** Of a lease for what may be lost. */
export interface KeepOptions {
  readonly expiresAt: number;
  /** All that its handles take. */
  readonly reservedBytes: number;
  /** Called when it has ended, in whatever way; its handles are released then. */
  readonly onEnd: () => void;
}

/** A lease that does not keep the model, and ends as soon as its memory is needed. */
export interface RevocableLease extends Lease {
  /** Notes that it is used: of several, the least recently used ends first. */
  touch(expiresAt: number): void;
}

/**
 * Keeps a model loaded across runs, with tensors in its heap: neither is the model evicted nor its
 * memory reused, until the lease is disposed or expires.
 */
export interface Lease extends Disposable {
  readonly model: LeasedModel;
  /** Whether the model had to be loaded for the lease. */
  readonly coldStart: boolean;
  readonly expiresAt: number;
  readonly reservedBytes: number;
  /**
   * Allocates a tensor of zeros in the model's heap.
   * @throws ApiError `out_of_memory` when it does not fit the budget, which affects nothing else;
   *   `deadline_exceeded` and `engine_crashed` as {@link LeasedModel.run}
   * @throws Error when the lease was disposed, or a dimension is not a non-negative integer
   */
  allocate(name: string, datatype: NumericDatatype, shape: readonly number[]): TensorHandle;
  /**
   * Copies a tensor to the model's heap, for several runs to read.
   * @throws what {@link allocate} throws
   */
  place(tensor: NumericTensor): TensorHandle;
  /**
   * A tensor over some entries of the first dimension of one of the lease's tensors, with which it is released.
   * @throws RangeError for entries that the tensor does not have
   */
  view(handle: TensorHandle, start: number, count: number): TensorHandle;
  /**
   * Copies elements inside the heap.
   * @param source a tensor of this lease, or of another one of the same instance of the model
   * @param target a tensor of this lease, of the same datatype
   * @throws RangeError for elements that one of them does not have; what {@link LeasedModel.run} throws for handles
   */
  copy(source: TensorHandle, target: TensorHandle, blocks: BlockCopy): void;
  /**
   * Another lease of the same instance of the model, which does not end with this one.
   * @throws ApiError what {@link ModelRuntime.lease} throws
   */
  fork(options: LeaseOptions): Lease;
  /** Such a lease for what may be lost; `undefined` when its memory is needed by others. */
  keep(options: KeepOptions): RevocableLease | undefined;
  /**
   * Changes what is reserved, or when the lease expires.
   * @throws ApiError as for a new lease that needs the additional bytes; nothing changes then
   */
  change(options: Partial<Pick<LeaseOptions, "expiresAt" | "reservedBytes">>): void;
  /** Ends the lease and releases its handles; does nothing when it has ended already. */
  dispose(): void;
}

export type ModelState =
  | { readonly state: "absent" | "loading" | "ready" }
  | { readonly state: "failed"; readonly error: unknown };

/** The state of the runtime, for operators. */
export interface RuntimeStats {
  readonly budgetBytes: number;
  readonly usedBytes: number;
  /** Models loaded, evicted, and cells lost to a crash or to memory, since the isolate started. */
  readonly loads: number;
  readonly evictions: number;
  readonly crashes: number;
  /** Bytes of tensors copied into and out of wasm heaps since the isolate started. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly cells: readonly {
    readonly shared: boolean;
    readonly memoryBytes: number;
    /** Whether its engine was restored from a snapshot instead of started. */
    readonly fromSnapshot: boolean;
    readonly models: readonly (ModelId & { readonly heapBytes: number })[];
  }[];
  /** Leases that have not ended, with the tensors that they hold. */
  readonly leases: readonly (ModelId & {
    readonly reservedBytes: number;
    readonly expiresAt: number;
    readonly handles: number;
    readonly handleBytes: number;
  })[];
  /** What is kept until its memory is needed. */
  readonly kept: { readonly leases: number; readonly bytes: number };
}

/** A user of the isolate's memory other than models, such as the image codecs. */
export interface MemoryConsumer {
  readonly memoryBytes: number;
  /** Releases the memory that is not in use. */
  release(): void;
}

/** Keeps models loaded within a memory budget. */
export interface ModelRuntime {
  /**
   * Calls `work` with the model, which is loaded first if necessary, once for all waiting callers.
   * @param work must be synchronous, so that the model cannot be evicted while it is used; `coldStart`
   *   says whether the call had to wait for the model
   * @throws ApiError `model_missing`, `model_corrupt`, `model_load_failed`, `model_too_large`,
   *   `out_of_memory`, `engine_crashed`, `overloaded`; the next call tries again
   */
  use<T>(
    source: ModelSource,
    waitUntil: WaitUntil,
    work: (model: LoadedModel, coldStart: boolean) => T,
  ): Promise<T>;
  /**
   * Leases the model, which is loaded first if necessary.
   * @throws ApiError what {@link use} throws; `out_of_memory` when the memory to reserve cannot fit
   *   beside the model, `overloaded` when it does not fit now, both with `neededBytes` and
   *   `availableBytes` in their details; `deadline_exceeded` when `expiresAt` has passed
   */
  lease(source: ModelSource, waitUntil: WaitUntil, options: LeaseOptions): Promise<Lease>;
  state(sha256: string): ModelState;
  /**
   * Evicts the model; returns whether it was loaded. Leases keep their instance of it until they end,
   * while new calls load another one.
   */
  unload(sha256: string): boolean;
  /** Ends what is kept of requests until its memory is needed; returns the number of such leases. */
  dropKept(): number;
  /** Counts a consumer's memory within the budget from now on; it is released before models are evicted. */
  register(consumer: MemoryConsumer): void;
  /**
   * Evicts idle models, least recently used first, until a consumer's memory can grow by this number of
   * bytes within the budget, or no idle model is left.
   */
  reserve(bytes: number): void;
  stats(): RuntimeStats;
  /** Of {@link RuntimeStats}, at no cost. */
  readonly usedBytes: number;
}

export type { EventSink } from "./event-sink.ts";

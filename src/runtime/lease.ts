import type { NumericDatatype } from "../domain/datatype.ts";
import { ApiError } from "../domain/errors.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type {
  KeepOptions,
  Lease,
  LeasedModel,
  LeaseOptions,
  RevocableLease,
} from "../domain/ports.ts";
import { formatShape, type NumericTensor } from "../domain/tensor.ts";
import type {
  BlockCopy,
  RunFeed,
  RunOutput,
  RunResults,
  TensorHandle,
} from "../domain/tensor-handle.ts";
import type { Pin, Resident } from "./cell.ts";
import { CellLost } from "./engine-failure.ts";
import { HeapTensor } from "./heap-tensor.ts";
import { OrtError } from "./ort-instance.ts";
import type { OrtSession, SessionFeed, SessionOutput } from "./ort-session.ts";
import type { HeapTraffic } from "./tensor-marshalling.ts";

/** What a lease needs of the pool. */
export interface LeaseHost {
  readonly traffic: HeapTraffic;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Drops the cells whose calls the platform has cut off; called before anything else is done. */
  dropCutOff(): void;
  /** Calls the engine of a resident, and turns its failures into those of a run. */
  call<T>(resident: Resident, work: (session: OrtSession) => T): T;
  /** @throws ApiError when the memory cannot be reserved */
  createLease(resident: Resident, options: LeaseOptions, coldStart: boolean): Lease;
  /** `undefined` when the memory is needed by others. */
  keep(resident: Resident, options: KeepOptions): RevocableLease | undefined;
  /** @throws ApiError when the memory cannot be reserved */
  resize(pin: Pin, reservedBytes: number): void;
  touch(pin: Pin): void;
  /** Ends what is kept in the resident's cell; returns whether there was any. */
  revokeAll(resident: Resident): boolean;
  /** Called when the lease has ended and its tensors are released. */
  unpin(lease: ModelLease, pin: Pin): void;
}

/** Why a lease has ended; "expired" also when its memory was needed, "lost" with its cell. */
type EndReason = "disposed" | "expired" | "lost";

export interface ModelLeaseOptions extends LeaseOptions {
  /** Whether it ends as soon as its memory is needed; false by default. */
  readonly isRevocable?: boolean;
  readonly onEnd?: () => void;
}

/** Pins a resident, and owns the tensors that runs leave in its heap. */
export class ModelLease implements RevocableLease {
  readonly model: LeasedModel = {
    describe: () => this.#active().resident.session.describe(),
    run: (feeds, outputs) => this.#run(feeds, outputs),
  };
  readonly coldStart: boolean;
  readonly id: ModelId;
  readonly isRevocable: boolean;
  readonly #host: LeaseHost;
  readonly #onEnd: (() => void) | undefined;
  readonly #tensors = new Map<TensorHandle, HeapTensor>();
  /** Tensors over the memory of others, by those. */
  readonly #views = new Map<TensorHandle, Set<TensorHandle>>();
  #expiresAt: number;
  #reservedBytes: number;
  /** `undefined` once the lease has ended, so that it keeps no memory from being collected. */
  #pin: Pin | undefined;
  #endReason: EndReason = "disposed";

  /** The resident is not pinned before {@link pin} has been given to the budget. */
  constructor(
    resident: Resident,
    { expiresAt, reservedBytes = 0, isRevocable = false, onEnd }: ModelLeaseOptions,
    coldStart: boolean,
    host: LeaseHost,
  ) {
    checkOptions(expiresAt, reservedBytes);
    this.id = resident.source.id;
    this.isRevocable = isRevocable;
    this.#expiresAt = expiresAt;
    this.#reservedBytes = reservedBytes;
    this.coldStart = coldStart;
    this.#host = host;
    this.#onEnd = onEnd;
    this.#pin = {
      resident,
      reservedBytes,
      expiresAt,
      isRevocable,
      end: () => this.#end(resident.cell.dropped ? "lost" : "expired"),
    };
  }

  get expiresAt(): number {
    return this.#expiresAt;
  }

  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /** @throws ApiError or Error when the lease has ended */
  get pin(): Pin {
    return this.#active();
  }

  get handles(): number {
    return this.#tensors.size;
  }

  get handleBytes(): number {
    let sum = 0;
    for (const { sizeBytes } of this.#tensors.values()) sum += sizeBytes;
    for (const views of this.#views.values()) for (const { sizeBytes } of views) sum -= sizeBytes;
    return sum;
  }

  allocate(name: string, datatype: NumericDatatype, shape: readonly number[]): TensorHandle {
    return this.#own(this.#allocate(name, datatype, shape));
  }

  place({ name, datatype, shape, data }: NumericTensor): TensorHandle {
    const tensor = this.#allocate(name, datatype, shape);
    const handle = this.#own(tensor);
    tensor.write(data, this.#host.traffic);
    return handle;
  }

  #allocate(name: string, datatype: NumericDatatype, shape: readonly number[]): HeapTensor {
    const { resident } = this.#active();
    const { cell, session, source } = resident;
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0))
      throw new Error(`The shape ${formatShape(shape)} of tensor "${name}" is not a fixed one.`);
    const allocate = () =>
      cell.call(source.sha256, () => HeapTensor.allocate(session.instance, name, datatype, shape));
    try {
      return allocate();
    } catch (error) {
      // What is kept may leave no block of this size.
      if (error instanceof OrtError && !this.isRevocable && this.#host.revokeAll(resident))
        return this.#allocate(name, datatype, shape);
      if (!(error instanceof OrtError)) throw error;
      throw new ApiError(
        "out_of_memory",
        `Tensor "${name}", ${datatype} of shape ${formatShape(shape)}, does not fit beside ${formatModelId(this.id)}: ${error.message}.`,
        { cause: error },
      );
    } finally {
      cell.forgetRefusals();
    }
  }

  view(handle: TensorHandle, start: number, count: number): TensorHandle {
    const { cell, source } = this.#active().resident;
    const tensor = this.#find(handle);
    const view = this.#own(cell.call(source.sha256, () => tensor.view(start, count)));
    const views = this.#views.get(handle) ?? new Set();
    this.#views.set(handle, views.add(view));
    return view;
  }

  copy(source: TensorHandle, target: TensorHandle, blocks: BlockCopy): void {
    this.#active();
    const from = source instanceof LeasedTensor ? source.lease : this;
    from.#active();
    from.#find(source).copyTo(this.#find(target), blocks);
  }

  fork(options: LeaseOptions): Lease {
    return this.#host.createLease(this.#active().resident, options, false);
  }

  keep(options: KeepOptions): RevocableLease | undefined {
    return this.#host.keep(this.#active().resident, options);
  }

  change({
    expiresAt = this.#expiresAt,
    reservedBytes = this.#reservedBytes,
  }: Partial<LeaseOptions>): void {
    const pin = this.#active();
    checkOptions(expiresAt, reservedBytes);
    this.#host.resize(pin, reservedBytes);
    pin.expiresAt = expiresAt;
    this.#expiresAt = expiresAt;
    this.#reservedBytes = reservedBytes;
  }

  touch(expiresAt: number): void {
    this.change({ expiresAt });
    this.#host.touch(this.#active());
  }

  read(handle: TensorHandle): NumericTensor {
    this.#active();
    return this.#find(handle).read(this.#host.traffic);
  }

  readElements(handle: TensorHandle, start: number, count: number): Uint8Array {
    this.#active();
    return this.#find(handle).readElements(start, count, this.#host.traffic);
  }

  /** Releases a tensor; one that was released with the lease, or before, is no more among its own. */
  release(handle: TensorHandle): void {
    this.#host.dropCutOff();
    const views = [...(this.#views.get(handle) ?? [])];
    this.#views.delete(handle);
    for (const ofHandle of this.#views.values()) ofHandle.delete(handle);
    const released = [...views, handle].flatMap((each) => this.#tensors.get(each) ?? []);
    for (const each of [...views, handle]) this.#tensors.delete(each);
    if (released.length > 0 && this.#pin) releaseAll(this.#pin.resident, released);
  }

  dispose(): void {
    this.#host.dropCutOff();
    this.#end("disposed");
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #run<Outputs extends readonly RunOutput[]>(
    feeds: readonly RunFeed[],
    outputs: Outputs,
  ): RunResults<Outputs> {
    const { resident } = this.#active();
    const sessionFeeds = feeds.map(
      (feed): SessionFeed =>
        "handle" in feed ? { name: feed.name, tensor: this.#find(feed.handle) } : feed,
    );
    const sessionOutputs = outputs.map((output): SessionOutput => {
      if (typeof output === "string") return output;
      checkStaysInHeap(resident.session, output.name);
      if ("keep" in output) return output;
      return { name: output.name, tensor: this.#find(output.handle) };
    });
    const results = this.#call(resident, (session) => session.run(sessionFeeds, sessionOutputs));
    return results.map((result, index) => {
      const output = outputs[index];
      if (!(result instanceof HeapTensor)) return result;
      return typeof output === "object" && "handle" in output ? output.handle : this.#own(result);
    }) as RunResults<Outputs>;
  }

  #call<T>(resident: Resident, work: (session: OrtSession) => T): T {
    try {
      return this.#host.call(resident, work);
    } catch (error) {
      // A lease cannot be tried again with another instance, as a single run can: its tensors are lost.
      throw error instanceof CellLost ? error.failure : error;
    }
  }

  #own(tensor: HeapTensor): TensorHandle {
    const handle = new LeasedTensor(this, tensor);
    this.#tensors.set(handle, tensor);
    return handle;
  }

  #find(handle: TensorHandle): HeapTensor {
    const tensor = this.#tensors.get(handle);
    if (tensor) return tensor;
    throw new Error(
      `Tensor "${handle.name}" is not of this lease of ${formatModelId(this.id)}: it was disposed, or belongs to another lease.`,
    );
  }

  #active(): Pin {
    this.#host.dropCutOff();
    if (this.#pin && this.expiresAt <= this.#host.now()) this.#end("expired");
    if (this.#pin) return this.#pin;
    const lease = `lease of ${formatModelId(this.id)}`;
    switch (this.#endReason) {
      case "disposed":
        throw new Error(`The ${lease} was disposed.`);
      case "expired":
        throw new ApiError("deadline_exceeded", `The ${lease} has expired.`);
      case "lost":
        throw new ApiError(
          "engine_crashed",
          `The ${lease} has ended because its engine crashed or ran out of memory; the next request gets a new one.`,
        );
    }
  }

  #end(reason: EndReason): void {
    const pin = this.#pin;
    if (!pin) return;
    this.#endReason = reason;
    const { resident } = pin;
    try {
      // The memory of a dropped cell is collected as a whole; its engine may be in any state.
      if (!resident.cell.dropped) releaseAll(resident, this.#tensors.values());
    } finally {
      // Not before: when this is cut off, the lease ends with its cell.
      this.#pin = undefined;
      this.#tensors.clear();
      this.#views.clear();
      this.#host.unpin(this, pin);
      this.#onEnd?.();
    }
  }
}

class LeasedTensor implements TensorHandle {
  readonly name: string;
  readonly datatype: NumericDatatype;
  readonly shape: readonly number[];
  readonly sizeBytes: number;
  readonly lease: ModelLease;

  constructor(lease: ModelLease, { name, datatype, shape, sizeBytes }: HeapTensor) {
    this.name = name;
    this.datatype = datatype;
    this.shape = shape;
    this.sizeBytes = sizeBytes;
    this.lease = lease;
  }

  read(): NumericTensor {
    return this.lease.read(this);
  }

  readElements(start: number, count: number): Uint8Array {
    return this.lease.readElements(this, start, count);
  }

  dispose(): void {
    this.lease.release(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function checkOptions(expiresAt: number, reservedBytes: number): void {
  if (!Number.isFinite(expiresAt) || !Number.isSafeInteger(reservedBytes) || reservedBytes < 0)
    throw new Error(
      `A lease needs a time to expire at and a whole number of bytes, not ${expiresAt} and ${reservedBytes}.`,
    );
}

function releaseAll({ cell, source }: Resident, tensors: Iterable<HeapTensor>): void {
  cell.call(source.sha256, () => {
    for (const tensor of tensors) tensor.release();
  });
}

/**
 * An output that is an input as well is passed through by the engine: it would be the block of the
 * feed, which is freed after the run, and a tensor bound to it would not be written (both measured).
 */
function checkStaysInHeap(session: OrtSession, name: string): void {
  const output = session.output(name);
  if (!output) throw new Error(`The model has no output "${name}".`);
  if (output.datatype === "BYTES")
    throw new Error(`Output "${name}" cannot stay in the heap: it consists of strings.`);
  if (session.input(name))
    throw new Error(`Output "${name}" cannot stay in the heap: it is an input, passed through.`);
}

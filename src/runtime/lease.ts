import type { NumericDatatype } from "../domain/datatype.ts";
import { ApiError } from "../domain/errors.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { Lease, LeasedModel, LeaseOptions } from "../domain/ports.ts";
import { formatShape, type NumericTensor } from "../domain/tensor.ts";
import type { RunFeed, RunOutput, RunResults, TensorHandle } from "../domain/tensor-handle.ts";
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
  /** Called when the lease has ended and its tensors are released. */
  unpin(lease: ModelLease, pin: Pin): void;
}

/** Why a lease has ended; "lost" with its cell. */
type EndReason = "disposed" | "expired" | "lost";

/** Pins a resident, and owns the tensors that runs leave in its heap. */
export class ModelLease implements Lease {
  readonly model: LeasedModel = {
    describe: () => this.#active().resident.session.describe(),
    run: (feeds, outputs) => this.#run(feeds, outputs),
  };
  readonly coldStart: boolean;
  readonly expiresAt: number;
  readonly reservedBytes: number;
  readonly id: ModelId;
  readonly #host: LeaseHost;
  readonly #tensors = new Map<TensorHandle, HeapTensor>();
  /** `undefined` once the lease has ended, so that it keeps no memory from being collected. */
  #pin: Pin | undefined;
  #endReason: EndReason = "disposed";

  /** The resident is not pinned before {@link pin} has been given to the budget. */
  constructor(
    resident: Resident,
    { expiresAt, reservedBytes = 0 }: LeaseOptions,
    coldStart: boolean,
    host: LeaseHost,
  ) {
    if (!Number.isFinite(expiresAt) || !Number.isSafeInteger(reservedBytes) || reservedBytes < 0)
      throw new Error(
        `A lease needs a time to expire at and a whole number of bytes, not ${expiresAt} and ${reservedBytes}.`,
      );
    this.id = resident.source.id;
    this.expiresAt = expiresAt;
    this.reservedBytes = reservedBytes;
    this.coldStart = coldStart;
    this.#host = host;
    this.#pin = {
      resident,
      reservedBytes,
      expiresAt,
      end: () => this.#end(resident.cell.dropped ? "lost" : "expired"),
    };
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
    const { cell, session, source } = this.#active().resident;
    if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0))
      throw new Error(`The shape ${formatShape(shape)} of tensor "${name}" is not a fixed one.`);
    try {
      const allocate = () => HeapTensor.allocate(session.instance, name, datatype, shape);
      return cell.call(source.sha256, allocate);
    } catch (error) {
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
    const tensor = this.#tensors.get(handle);
    this.#tensors.delete(handle);
    if (tensor && this.#pin) releaseAll(this.#pin.resident, [tensor]);
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
      this.#host.unpin(this, pin);
    }
  }
}

class LeasedTensor implements TensorHandle {
  readonly name: string;
  readonly datatype: NumericDatatype;
  readonly shape: readonly number[];
  readonly sizeBytes: number;
  readonly #lease: ModelLease;

  constructor(lease: ModelLease, { name, datatype, shape, sizeBytes }: HeapTensor) {
    this.name = name;
    this.datatype = datatype;
    this.shape = shape;
    this.sizeBytes = sizeBytes;
    this.#lease = lease;
  }

  read(): NumericTensor {
    return this.#lease.read(this);
  }

  readElements(start: number, count: number): Uint8Array {
    return this.#lease.readElements(this, start, count);
  }

  dispose(): void {
    this.#lease.release(this);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
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

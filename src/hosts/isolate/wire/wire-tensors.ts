import type { Datatype } from "../../../domain/datatype.ts";
import { ApiError } from "../../../domain/errors.ts";
import type { Tensor } from "../../../domain/tensor.ts";
import { fromTensorBytes, toTensorBytes } from "../../../domain/tensor-bytes.ts";
import { MAX_CLONE_BYTES, ownBytes } from "../../../shared/structured-clone.ts";
import { MAX_REPLY_BYTES, readAtMost, toByteStream } from "./clone-limits.ts";

/** Tensors as they cross between isolates: a structured clone, or a stream of bytes where that would be too large. */
export type WireTensors = readonly Tensor[] | StreamedTensors;

export interface StreamedTensors {
  readonly specs: readonly {
    readonly name: string;
    readonly datatype: Datatype;
    readonly shape: readonly number[];
    readonly sizeBytes: number;
  }[];
  readonly body: ReadableStream<Uint8Array>;
}

/** What a text takes beside its characters, which have up to two bytes each. */
const TEXT_BYTES = 10;

/**
 * {@link toWireTensors} of the outputs of a run.
 * @throws ApiError `out_of_memory` when they are more than a reply may have
 */
export function toWireOutputs(outputs: readonly Tensor[]): WireTensors {
  const bytes = sizeBytes(outputs);
  if (bytes <= MAX_REPLY_BYTES) return toWireTensors(outputs, bytes);
  throw new ApiError(
    "out_of_memory",
    `The outputs take ${bytes} bytes, and the isolate of a model can return ${MAX_REPLY_BYTES}. Request fewer outputs, or send a smaller input.`,
    { details: { sizeBytes: bytes, limitBytes: MAX_REPLY_BYTES } },
  );
}

export function toWireTensors(tensors: readonly Tensor[], bytes = sizeBytes(tensors)): WireTensors {
  if (bytes <= MAX_CLONE_BYTES) return shareNoBuffer(tensors);
  const data = tensors.map(toTensorBytes);
  const specs = tensors.map(({ name, datatype, shape }, index) => ({
    name,
    datatype,
    shape,
    sizeBytes: data[index]?.byteLength ?? 0,
  }));
  return { specs, body: toByteStream(data) };
}

/**
 * @param maxBytes of tensors that cross as a stream
 * @throws RangeError when they have more
 */
export async function fromWireTensors(
  tensors: WireTensors,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<readonly Tensor[]> {
  if (!("body" in tensors)) return tensors;
  const { specs, body } = tensors;
  const bytes = await readAtMost(body, maxBytes);
  let offset = 0;
  return specs.map(({ sizeBytes: length, shape, ...spec }) => {
    offset += length;
    return fromTensorBytes(spec, shape, bytes.subarray(offset - length, offset));
  });
}

/** What a structured clone of the tensors takes, at most. */
export function sizeBytes(tensors: readonly Tensor[]): number {
  let sum = 0;
  for (const tensor of tensors) {
    if (tensor.datatype !== "BYTES") sum += tensor.data.byteLength;
    else for (const { length } of tensor.data) sum += 2 * length + TEXT_BYTES;
  }
  return sum;
}

/** Tensors that are parts of a larger buffer, such as a body, get buffers of their own. */
function shareNoBuffer(tensors: readonly Tensor[]): readonly Tensor[] {
  return tensors.map((tensor) => {
    if (tensor.datatype === "BYTES") return tensor;
    const data = ownBytes(tensor.data);
    return data === tensor.data ? tensor : { ...tensor, data };
  });
}

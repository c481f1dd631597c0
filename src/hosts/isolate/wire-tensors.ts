import type { Datatype } from "../../domain/datatype.ts";
import type { Tensor } from "../../domain/tensor.ts";
import { fromTensorBytes, toTensorBytes } from "../../domain/tensor-bytes.ts";
import { concatenateBytes } from "../../shared/bytes.ts";
import { ownBytes } from "./wire-value.ts";

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

/** A message of the RPC of Workers may have 32 MiB. */
const MAX_CLONE_BYTES = 16_777_216;
/** What a text takes beside its characters, which have up to two bytes each. */
const TEXT_BYTES = 10;
const CHUNK_BYTES = 65_536;

export function toWireTensors(tensors: readonly Tensor[]): WireTensors {
  if (sizeBytes(tensors) <= MAX_CLONE_BYTES) return shareNoBuffer(tensors);
  const data = tensors.map(toTensorBytes);
  const specs = tensors.map(({ name, datatype, shape }, index) => ({
    name,
    datatype,
    shape,
    sizeBytes: data[index]?.byteLength ?? 0,
  }));
  return { specs, body: toByteStream(data) };
}

export async function fromWireTensors(tensors: WireTensors): Promise<readonly Tensor[]> {
  if (!("body" in tensors)) return tensors;
  const { specs, body } = tensors;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const bytes = concatenateBytes(chunks);
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

function toByteStream(data: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const chunks = chunksOf(data);
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const { done, value } = chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

function* chunksOf(data: readonly Uint8Array[]): Generator<Uint8Array<ArrayBuffer>, undefined> {
  for (const bytes of data)
    for (let start = 0; start < bytes.byteLength; start += CHUNK_BYTES)
      // A copy, because the stream takes the buffer.
      yield bytes.slice(start, start + CHUNK_BYTES) as Uint8Array<ArrayBuffer>;
}

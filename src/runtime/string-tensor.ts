import { OrtError, type OrtInstance, POINTER_BYTES } from "./ort-instance.ts";
import type { HeapTraffic } from "./tensor-marshalling.ts";

/**
 * Texts of string tensors. The engine's functions take C strings, which end at a NUL, and tell no length of the last string of
 * an output. Both are in its `std::string` objects, which lie where the first word of an OrtValue (its Tensor) and the first
 * word of that (its data) point. What is found there is compared with what the functions gave before it is used, so
 * an engine with another layout refuses such texts; it never changes them.
 */

/** libc++'s `std::string` in wasm32: pointer, size and capacity; or up to 10 bytes of text, and its size in the last byte. */
const STRING_BYTES = 12;
const SIZE_BYTE = 11;
const IS_LONG = 0x80;

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Stands for the bytes of a text with NUL until they are written. */
const PLACEHOLDER = 1;

/** A text that is written into the engine's own string, because it has a NUL. */
export interface TextWithNul {
  readonly index: number;
  readonly bytes: Uint8Array;
}

/**
 * Copies texts into the heap as C strings.
 * @param blocks gets the addresses that were allocated, also when this throws
 * @returns the array of their addresses, and the texts for {@link writeTextsWithNul}
 * @throws OrtError when memory runs out
 */
export function copyTextsIn(
  instance: OrtInstance,
  texts: readonly string[],
  blocks: number[],
  traffic: HeapTraffic,
): { address: number; withNul: TextWithNul[] } {
  const { module } = instance;
  const address = instance.allocate(texts.length * POINTER_BYTES);
  blocks.push(address);
  const withNul: TextWithNul[] = [];
  for (const [index, text] of texts.entries()) {
    const sizeBytes = module.lengthBytesUTF8(text) + 1;
    const pointer = instance.allocate(sizeBytes);
    blocks.push(pointer);
    if (text.includes("\0")) {
      withNul.push({ index, bytes: ENCODER.encode(text) });
      instance.heap.fill(PLACEHOLDER, pointer, pointer + sizeBytes - 1);
      instance.heap[pointer + sizeBytes - 1] = 0;
    } else {
      module.stringToUTF8(text, pointer, sizeBytes);
    }
    traffic.bytesIn += sizeBytes;
    instance.writePointer(address + index * POINTER_BYTES, pointer);
  }
  return { address, withNul };
}

/**
 * Writes the texts that C strings cannot hold over their placeholders.
 * @throws OrtError when the placeholders are not where they should be
 */
export function writeTextsWithNul(
  instance: OrtInstance,
  name: string,
  value: number,
  texts: readonly TextWithNul[],
): void {
  for (const { index, bytes } of texts) {
    const { heap } = instance;
    const { address, sizeBytes } = locateString(instance, value, index);
    const found = heap.subarray(address, address + sizeBytes);
    if (sizeBytes !== bytes.byteLength || found.some((byte) => byte !== PLACEHOLDER))
      throw new OrtError(
        `element ${index} of "${name}" has a NUL, which this version of the engine does not accept`,
      );
    heap.set(bytes, address);
  }
}

/**
 * Copies the texts of an output out of the heap.
 * @param pointers where each text begins; they lie end to end, with a NUL after the last one
 * @throws OrtError for a text that is not UTF-8
 */
export function copyTextsOut(
  instance: OrtInstance,
  { name, value, pointers }: { name: string; value: number; pointers: number },
  count: number,
  traffic: HeapTraffic,
): string[] {
  if (count === 0) return [];
  const start = (index: number): number => instance.readPointer(pointers + index * POINTER_BYTES);
  const first = start(0);
  const last = start(count - 1);
  const end = last + lastSize(instance, { name, value, index: count - 1 }, last);
  // A copy, because decoders refuse shared memory.
  const bytes = instance.heap.slice(first, end);
  traffic.bytesOut += bytes.byteLength;
  return Array.from({ length: count }, (_, index) => {
    const text = bytes.subarray(
      start(index) - first,
      (index === count - 1 ? end : start(index + 1)) - first,
    );
    return decode(text, `element ${index} of output "${name}"`);
  });
}

/** The size of a text that begins at `address` and whose end only the engine's string tells. */
function lastSize(
  instance: OrtInstance,
  { name, value, index }: { name: string; value: number; index: number },
  address: number,
): number {
  const { heap } = instance;
  const own = locateString(instance, value, index);
  for (let offset = 0; offset < own.sizeBytes; offset++)
    if (heap[address + offset] !== heap[own.address + offset]) throw unknownEnd(name, index);
  if (heap[address + own.sizeBytes] !== 0) throw unknownEnd(name, index);
  return own.sizeBytes;
}

function unknownEnd(name: string, index: number): OrtError {
  return new OrtError(
    `element ${index} of output "${name}" has no known end in this version of the engine`,
  );
}

/** Where the bytes of a string of an OrtValue lie. */
function locateString(
  instance: OrtInstance,
  value: number,
  index: number,
): { address: number; sizeBytes: number } {
  const { heap } = instance;
  const read = (address: number): number =>
    address + POINTER_BYTES <= heap.byteLength ? instance.readPointer(address) : 0;
  const object = read(read(value)) + index * STRING_BYTES;
  const last = heap[object + SIZE_BYTE] ?? 0;
  const isLong = (last & IS_LONG) !== 0;
  const address = isLong ? read(object) : object;
  const sizeBytes = isLong ? read(object + POINTER_BYTES) : last;
  return { address, sizeBytes: Math.max(0, Math.min(sizeBytes, heap.byteLength - address)) };
}

/**
 * A C string of the engine, such as the name of an input.
 * @param what names it in the error
 * @throws OrtError when it is not UTF-8
 */
export function readCString(instance: OrtInstance, address: number, what: string): string {
  const { heap } = instance;
  const end = heap.indexOf(0, address);
  return decode(heap.slice(address, end), what);
}

function decode(bytes: Uint8Array, what: string): string {
  try {
    return DECODER.decode(bytes);
  } catch (cause) {
    throw new OrtError(`${what} is not UTF-8`, { cause });
  }
}

/** What an object, an array or a text takes beside what it holds, about. */
const OVERHEAD_BYTES = 32;
/** A number, or the place of something else. */
const PLACE_BYTES = 8;
const CHARACTER_BYTES = 2;

/**
 * An estimate of the memory that a value keeps from being freed.
 * @returns some number over the limit for a larger value, which is not read to its end
 */
export function retainedBytes(value: unknown, limitBytes: number): number {
  let bytes = 0;
  const buffers = new Set<ArrayBufferLike>();
  const rest: unknown[] = [value];
  while (rest.length > 0 && bytes <= limitBytes) {
    const each = rest.pop();
    if (typeof each === "string") bytes += OVERHEAD_BYTES + CHARACTER_BYTES * each.length;
    else if (typeof each !== "object" || each === null) bytes += PLACE_BYTES;
    else if (ArrayBuffer.isView(each)) {
      // A view keeps its whole buffer, which others may share.
      bytes += OVERHEAD_BYTES + (buffers.has(each.buffer) ? 0 : each.buffer.byteLength);
      buffers.add(each.buffer);
    } else if (Array.isArray(each)) {
      bytes += OVERHEAD_BYTES + PLACE_BYTES * each.length;
      if (typeof each[0] === "number") continue;
      // Its items are not even listed where they exceed the limit whatever they are.
      if (bytes + OVERHEAD_BYTES * each.length > limitBytes) return limitBytes + 1;
      for (const item of each) rest.push(item);
    } else {
      bytes += OVERHEAD_BYTES;
      for (const field of Object.values(each)) rest.push(field);
    }
  }
  return bytes;
}

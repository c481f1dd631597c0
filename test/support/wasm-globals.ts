const EXPORTS = 7;
const GLOBALS = 6;
const GLOBAL_KIND = 3;
const PREAMBLE_BYTES = 8;

/**
 * A WebAssembly module that exports each of its globals too, as `global0`, `global1`, ...: what a
 * program keeps outside of its memory. The module must import none and export something.
 * Source: https://webassembly.github.io/spec/core/binary/modules.html
 */
export function exportGlobals(wasm: Buffer): Buffer {
  const parts = [wasm.subarray(0, PREAMBLE_BYTES)];
  let globals = 0;
  for (let at = PREAMBLE_BYTES; at < wasm.byteLength; ) {
    const id = wasm[at];
    const [size, start] = readUnsigned(wasm, at + 1);
    const section = wasm.subarray(start, start + size);
    if (id === GLOBALS) [globals] = readUnsigned(section, 0);
    parts.push(id === EXPORTS ? withExports(section, globals) : wasm.subarray(at, start + size));
    at = start + size;
  }
  return Buffer.concat(parts);
}

function withExports(section: Buffer, globals: number): Buffer {
  const [count, start] = readUnsigned(section, 0);
  const added = Array.from({ length: globals }, (_, index) => {
    const name = Buffer.from(`global${index}`);
    return Buffer.from([name.byteLength, ...name, GLOBAL_KIND, ...unsigned(index)]);
  });
  const body = Buffer.concat([
    Buffer.from(unsigned(count + globals)),
    section.subarray(start),
    ...added,
  ]);
  return Buffer.concat([Buffer.from([EXPORTS, ...unsigned(body.byteLength)]), body]);
}

/** LEB128. */
function readUnsigned(bytes: Buffer, at: number): [value: number, end: number] {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes.readUInt8(at++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return [value >>> 0, at];
  }
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

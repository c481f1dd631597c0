import type { Random } from "../random.ts";
import { mutateBytes } from "./mutate-bytes.ts";

/**
 * Mutations of FlatBuffers (https://flatbuffers.dev/internals), of which the engine's `.ort` files are made: offsets, tables
 * of offsets, lengths of vectors and strings.
 */

const MAX_PLACES = 3000;
const EDGES = [
  0, 1, 2, 4, 255, 65_535, 65_536, 0x7f_ff_ff_ff, 0x80_00_00_00, 0xff_ff_ff_ff, 0xff_ff_ff_fc,
];

/** A number in the file that refers to other places or says how long something is. */
interface Place {
  readonly offset: number;
  readonly bytes: 2 | 4;
}

export function mutateOrt(bytes: Uint8Array, random: Random): Uint8Array {
  if (random.chance(0.3)) return mutateBytes(bytes, random);
  const places = listPlaces(bytes);
  const file = Buffer.from(bytes);
  for (let left = 1 + random.below(3); left > 0; left--) {
    const place = random.pick(places);
    const old =
      place.bytes === 2 ? file.readUInt16LE(place.offset) : file.readUInt32LE(place.offset);
    const value = random.pick([
      ...EDGES,
      old + 1,
      old - 1,
      old + 4,
      old - 4,
      old * 2,
      random.below(file.length),
    ]);
    if (place.bytes === 2) file.writeUInt16LE(value & 0xffff, place.offset);
    else file.writeUInt32LE(value >>> 0, place.offset);
  }
  return random.chance(0.05) ? file.subarray(0, random.below(file.length)) : file;
}

/** Walks the tables from the root. Without a schema a field that could be an offset to a table is taken for one. */
export function listPlaces(bytes: Uint8Array): Place[] {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places: Place[] = [{ offset: 0, bytes: 4 }];
  const seen = new Set<number>();
  const tables = [file.readUInt32LE(0)];
  for (let table = tables.shift(); table !== undefined; table = tables.shift()) {
    const offsets = seen.has(table) ? undefined : readTable(file, table);
    seen.add(table);
    if (!offsets || places.length > MAX_PLACES) continue;
    places.push({ offset: table, bytes: 4 }, ...offsets.slots);
    for (const field of offsets.fields) {
      places.push({ offset: field, bytes: 4 });
      const target = field + file.readUInt32LE(field);
      if (target + 4 > file.length || target <= field) continue;
      tables.push(target);
      const length = file.readUInt32LE(target);
      if (length === 0 || target + 4 + length > file.length) continue;
      // The length of a vector or a string, and the tables that a vector refers to.
      places.push({ offset: target, bytes: 4 });
      for (let item = target + 4; item < target + 4 + Math.min(length, 100) * 4; item += 4)
        if (item + 4 <= file.length) tables.push(item + file.readUInt32LE(item));
    }
  }
  return places;
}

function readTable(file: Buffer, table: number): { slots: Place[]; fields: number[] } | undefined {
  if (table + 4 > file.length) return undefined;
  const vtable = table - file.readInt32LE(table);
  if (vtable < 0 || vtable + 4 > file.length) return undefined;
  const sizeBytes = file.readUInt16LE(vtable);
  const tableBytes = file.readUInt16LE(vtable + 2);
  if (sizeBytes < 4 || sizeBytes % 2 !== 0 || sizeBytes > 200 || vtable + sizeBytes > file.length)
    return undefined;
  if (tableBytes < 4 || table + tableBytes > file.length) return undefined;
  const slots: Place[] = [];
  const fields: number[] = [];
  for (let slot = vtable; slot < vtable + sizeBytes; slot += 2) {
    slots.push({ offset: slot, bytes: 2 });
    const field = slot < vtable + 4 ? 0 : file.readUInt16LE(slot);
    if (field >= 4 && field + 4 <= tableBytes) fields.push(table + field);
  }
  return { slots, fields };
}

import type { Call } from "../../domain/call.ts";
import { encodePngRows, type WriteRow } from "./png-rows.ts";

export type { WriteRow };

/** A PNG file of 8-bit grey levels (Pillow's mode `L`), as {@link encodePngRows} makes it. */
export function encodeGreyPng(
  width: number,
  height: number,
  writeRow: WriteRow,
  checkpoint: Call["checkpoint"],
): Promise<Uint8Array<ArrayBuffer>> {
  return encodePngRows("grey", width, height, writeRow, checkpoint);
}

import type { Call } from "../../domain/call.ts";
import { encodeBase64 } from "../../shared/base64.ts";
import { encodeGreyPng, type WriteRow } from "./encode-grey-png.ts";

/**
 * The mask of an object as Hugging Face's answers have it: base64 of a PNG file of the image's size, in which 255 is the object
 * and 0 is not. Levels in between say how sure the model is.
 */
export async function encodeMask(
  width: number,
  height: number,
  writeRow: WriteRow,
  checkpoint: Call["checkpoint"],
): Promise<string> {
  return encodeBase64(await encodeGreyPng(width, height, writeRow, checkpoint));
}

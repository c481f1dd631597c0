import type { Call } from "../../domain/call.ts";
import { encodePngFile } from "./encode-png.ts";

/** Writes the levels of a row, from 0 to 255, into `row`, which has one for each channel of each pixel. */
export type WriteRow = (y: number, row: Uint8Array) => void;

/** Levels between two checkpoints: some milliseconds of work. */
const LEVELS_PER_STEP = 262_144;
/** The filter Up: each row as differences from the one above it. */
const UP = 2;
const CHANNELS = { grey: 1, colour: 3 } as const;

/**
 * A PNG file of 8 bits a channel, made row by row, so that its pixels are never in memory as a whole.
 * @param pixels grey levels, or red, green and blue
 * @param writeRow is called once for each row, from the top
 * @param checkpoint {@link Call.checkpoint}, awaited between two pieces of work
 */
export async function encodePngRows(
  pixels: keyof typeof CHANNELS,
  width: number,
  height: number,
  writeRow: WriteRow,
  checkpoint: Call["checkpoint"],
): Promise<Uint8Array<ArrayBuffer>> {
  const rowBytes = width * CHANNELS[pixels];
  const compression = new CompressionStream("deflate");
  const compressed = new Response(compression.readable).arrayBuffer();
  // An error of a row is thrown by the writer too.
  compressed.catch(() => {});
  const writer = compression.writable.getWriter();
  try {
    const rowsPerStep = Math.max(1, Math.floor(LEVELS_PER_STEP / rowBytes));
    let [row, above] = [new Uint8Array(rowBytes), new Uint8Array(rowBytes)];
    for (let y = 0; y < height; y += rowsPerStep) {
      const rows = Math.min(rowsPerStep, height - y);
      const filtered = new Uint8Array(rows * (rowBytes + 1));
      for (let at = 0, index = 0; index < rows; index++) {
        writeRow(y + index, row);
        filtered[at++] = UP;
        for (let x = 0; x < rowBytes; x++)
          filtered[at++] = (row[x] as number) - (above[x] as number);
        [row, above] = [above, row];
      }
      await writer.write(filtered);
      if (y + rows < height) await checkpoint();
    }
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch(() => {});
    throw error;
  }
  return encodePngFile(new Uint8Array(await compressed), width, height, pixels);
}

export type ImageFormat = "jpeg" | "png" | "webp";

/** As EXIF numbers it. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** The header of a file, read before anything is decoded. */
export interface ImageHeader {
  readonly format: ImageFormat;
  /** In pixels, before the orientation is applied. */
  readonly width: number;
  readonly height: number;
  readonly orientation: Orientation;
  /** The memory that the codec needs for one pixel, at most. Measured, see docs/tasks.md. */
  readonly bytesPerPixel: number;
  /** What the decoder gets instead of the file: the same image without what it need not read. */
  readonly decoded?: Uint8Array;
  /**
   * Checks the data, once the size is accepted.
   * @throws ApiError `invalid_input`
   */
  inspect?(): Promise<void>;
}

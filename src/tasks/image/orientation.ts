import { readExifOrientation, toOrientation } from "./exif.ts";
import type { Orientation } from "./image-header.ts";

/** Where a file may have its orientation. */
export interface OrientationSources {
  /** EXIF data, with or without `Exif\0\0` in front. */
  readonly exif?: Uint8Array | undefined;
  /** ImageMagick's text "Raw profile type exif": EXIF data in hexadecimal after three lines. */
  readonly rawProfile?: string | undefined;
  /** An XMP packet, in which ASCII is enough. */
  readonly xmp?: string | undefined;
}

/** The attribute or the element; a packet is searched, not parsed, as by Pillow. */
const XMP_ORIENTATION = /tiff:Orientation(?:="|>)([0-9])/;

/**
 * The orientation that Pillow's `ImageOps.exif_transpose` applies: that of EXIF data, of a raw profile only where there are no
 * such data, and of XMP where they have none.
 */
export function findOrientation({ exif, rawProfile, xmp }: OrientationSources): Orientation {
  const data = exif ?? (rawProfile === undefined ? undefined : fromRawProfile(rawProfile));
  const found = data && readExifOrientation(data);
  if (found !== undefined) return found;
  const digit = xmp && XMP_ORIENTATION.exec(xmp)?.[1];
  return digit ? toOrientation(Number(digit)) : 1;
}

function fromRawProfile(profile: string): Uint8Array {
  const hex = profile.split("\n").slice(3).join("").replaceAll(/\s/g, "");
  if (hex.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(hex)) return new Uint8Array();
  return Uint8Array.from({ length: hex.length / 2 }, (_, at) =>
    Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16),
  );
}

/** Bytes as text of which only ASCII is read. */
export function toAsciiText(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

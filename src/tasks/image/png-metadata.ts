import type { Call } from "../../domain/call.ts";
import type { ByteReader } from "./byte-reader.ts";
import { inflateWithin } from "./inflate.ts";
import { type OrientationSources, toAsciiText } from "./orientation.ts";

/** Collects the chunks of a PNG file that may have its orientation, as Pillow's `PngStream` does. */
export interface PngMetadata {
  /** Chunks in their order. */
  add(name: string, body: Uint8Array): void;
  /**
   * Inflates what is compressed.
   * @throws ApiError `invalid_input` for a text that is too long
   */
  sources(): Promise<OrientationSources>;
}

/** The limit of Pillow for a compressed text (`MAX_TEXT_CHUNK`), and of our own for a profile in hexadecimal. */
const MAX_TEXT_BYTES = 2 ** 20;

const RAW_PROFILE = "Raw profile type exif";
const XMP = "XML:com.adobe.xmp";

interface Text {
  readonly body: Uint8Array;
  readonly isCompressed: boolean;
}

export function createPngMetadata(reader: ByteReader, checkpoint: Call["checkpoint"]): PngMetadata {
  let exif: Uint8Array | undefined;
  /** The last one of each keyword. */
  const texts = new Map<string, Text>();
  const animation = createAnimation();

  const read = async (keyword: string): Promise<string | undefined> => {
    const text = texts.get(keyword);
    if (!text) return undefined;
    const bytes = text.isCompressed
      ? await inflateWithin(text.body, MAX_TEXT_BYTES, checkpoint)
      : text.body;
    if (!bytes || (keyword === RAW_PROFILE && bytes.length > MAX_TEXT_BYTES))
      reader.fail(`its text "${keyword}" has more than ${MAX_TEXT_BYTES} bytes`);
    return toAsciiText(bytes);
  };

  return {
    add(name, body) {
      if (animation.hasEnded(name, body)) return;
      if (name === "eXIf") exif = body;
      const [keyword, text] = readText(name, body) ?? [];
      if (keyword === undefined || !text) return;
      if (keyword === "exif" && name === "tEXt") exif = text.body;
      if (keyword === RAW_PROFILE || keyword === XMP) texts.set(keyword, text);
    },
    async sources() {
      return { exif, rawProfile: await read(RAW_PROFILE), xmp: await read(XMP) };
    },
  };
}

/** The chunks of the second frame and after it are not read. */
function createAnimation(): { hasEnded(name: string, body: Uint8Array): boolean } {
  let [frames, controls, seenData, ended] = [0, 0, false, false];
  return {
    hasEnded(name, body) {
      if (name === "IDAT") seenData = true;
      if (name === "acTL" && body.length >= 8)
        frames = new DataView(body.buffer, body.byteOffset).getUint32(0);
      if (name === "fcTL") {
        // An image that is no frame of the animation has none before its data.
        const count = controls === 0 && seenData ? frames + 1 : frames;
        controls++;
        ended ||= seenData && frames > 0 && count > 1;
      }
      return ended;
    },
  };
}

/** PNG (third edition), section 11.3.3: keyword and text of a tEXt, zTXt or iTXt chunk. */
function readText(name: string, body: Uint8Array): [string, Text] | undefined {
  if (name !== "tEXt" && name !== "zTXt" && name !== "iTXt") return undefined;
  // Keywords have 79 bytes at most; those that are looked for are shorter.
  const end = body.subarray(0, 80).indexOf(0);
  if (end < 0) return undefined;
  const keyword = toAsciiText(body.subarray(0, end));
  if (name === "tEXt") return [keyword, { body: body.subarray(end + 1), isCompressed: false }];
  if (name === "zTXt")
    return body[end + 1] === 0
      ? [keyword, { body: body.subarray(end + 2), isCompressed: true }]
      : undefined;
  const [flag, method] = [body[end + 1], body[end + 2]];
  const language = body.indexOf(0, end + 3);
  const translated = language < 0 ? -1 : body.indexOf(0, language + 1);
  if (flag === undefined || translated < 0 || (flag !== 0 && method !== 0)) return undefined;
  return [keyword, { body: body.subarray(translated + 1), isCompressed: flag !== 0 }];
}

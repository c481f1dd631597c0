import type { FileKind } from "../file-bytes.ts";

export const IMAGE_FILE: FileKind = {
  expected: "an image: base64 of a JPEG, PNG or WebP file, or a data URL of it",
};

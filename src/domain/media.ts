/** A body, or a part of one, that is not JSON: an image, audio, text or CSV. */
export class Media {
  /** In lower case and without parameters: `image/jpeg`. */
  readonly type: string;
  readonly bytes: Uint8Array;

  /** @param contentType a `content-type` header; `application/octet-stream` when it is empty */
  constructor(contentType: string, bytes: Uint8Array) {
    this.type = mediaType(contentType) || "application/octet-stream";
    this.bytes = bytes;
  }
}

/** The media type of a `content-type` header, in lower case and without its parameters. */
export function mediaType(contentType: string): string {
  return (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
}

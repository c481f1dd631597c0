import { concatenateBytes } from "../shared/bytes.ts";
import { headerBlocks } from "./form-parts.ts";

const HEADERS = new TextDecoder("latin1");
const TYPE = /^content-type:[ \t]*([^;\r\n]*)/im;
const DISPOSITION =
  /^(content-disposition:[^\r\n]*?)(?:;[ \t]*filename=(?:""|(?=[;\r\n]|$)))?(?=[ \t]*(?:\r?$))/im;
const NAMED = /^content-disposition:[^\r\n]*;[ \t]*filename\*?=(?:"[^"\r\n]|[^"\s;])/im;

/**
 * A multipart body whose parts with a media type all have the name of a file. `FormData` makes a file of such a part alone: of
 * others it decodes a text, which loses bytes that are not UTF-8, and the type. Clients leave the name out, such as Python's
 * requests with `(None, bytes, type)`.
 */
export function nameTypedParts(contentType: string, body: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [];
  let copied = 0;
  for (const { start, end } of headerBlocks(contentType, body)) {
    const text = HEADERS.decode(body.subarray(start, end));
    const type = TYPE.exec(text)?.[1]?.trim().toLowerCase() ?? "";
    if (type === "" || type === "text/plain" || NAMED.test(text)) continue;
    const named = text.replace(DISPOSITION, '$1; filename="blob"');
    pieces.push(
      body.subarray(copied, start),
      Uint8Array.from(named, (c) => c.charCodeAt(0)),
    );
    copied = end;
  }
  return copied === 0 ? body : concatenateBytes([...pieces, body.subarray(copied)]);
}

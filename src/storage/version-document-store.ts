import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { ObjectStore } from "../domain/object-store.ts";
import type { VersionDocumentStore } from "../domain/version-document.ts";
import { guarded } from "./guarded.ts";

const ENCODER = new TextEncoder();
/** What encryption adds to an object, and more. */
const OVERHEAD_BYTES = 64 * 1024;

/** A kind of documents. */
export interface VersionDocumentKind {
  /** In errors: `profile`. */
  readonly name: string;
  readonly keyOf: (id: ModelId) => string;
  /** Of a document; a larger one is not read. */
  readonly maxBytes: number;
}

/** One document of JSON beside each version in object storage, by the keys that `docs/storage.md` documents. */
export function createVersionDocumentStore(
  objects: ObjectStore,
  { name, keyOf, maxBytes }: VersionDocumentKind,
): VersionDocumentStore {
  const what = (id: ModelId, failed: string): string =>
    `the ${name} of ${formatModelId(id)} could not be ${failed}`;

  return {
    read: (id) =>
      guarded(what(id, "read"), async () => {
        const object = await objects.get(keyOf(id));
        if (!object) return undefined;
        const { etag, sizeBytes, body } = object;
        if (sizeBytes > maxBytes + OVERHEAD_BYTES) {
          await body.cancel();
          return { value: `larger than a ${name} may be`, etag };
        }
        return { value: parseJson(await new Response(body).text()), etag };
      }),

    write: (id, value) =>
      guarded(what(id, "written"), async () => {
        const bytes = ENCODER.encode(JSON.stringify(value));
        const written = await objects.put(keyOf(id), bytes, { contentType: "application/json" });
        if (!written) throw new Error("nothing was written");
        return written.etag;
      }),

    delete: (id) => guarded(what(id, "deleted"), () => objects.delete([keyOf(id)])),
  };
}

/** What is no JSON stays a text, which is no document. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

import { formatModelId, MODEL_NAME, MODEL_VERSION, type ModelId } from "../domain/model-id.ts";
import type { ObjectArea, ObjectGroup, ObjectInventory } from "../domain/object-inventory.ts";
import type { ObjectStore, StoredObject } from "../domain/object-store.ts";
import { publicationFolderOf } from "../domain/publication-folder.ts";
import { toHex } from "../shared/hex.ts";
import { sha256 } from "../shared/sha256.ts";
import { guarded } from "./guarded.ts";
import {
  fileKey,
  MODELS_PREFIX,
  manifestKey,
  signatureKey,
  UPLOADS_PREFIX,
  uploadKey,
} from "./model-keys.ts";

/** In the order of the keys. */
const AREAS: readonly (readonly [ObjectArea, prefix: string])[] = [
  ["version", MODELS_PREFIX],
  ["uploads", UPLOADS_PREFIX],
];

/** Before the path of an object of a version: `models`, name and number. */
const VERSION_SEGMENTS = 3;

/** The objects of versions in object storage, by the keys that `docs/storage.md` documents. */
export function createObjectInventory(objects: ObjectStore): ObjectInventory {
  return {
    async *groups({ after = "", areas = ["version", "uploads"] } = {}) {
      for (const [area, prefix] of AREAS) {
        if (!areas.includes(area) || after >= `${prefix}\u{10ffff}`) continue;
        const start = after.startsWith(prefix) ? { after } : {};
        yield* inGroups(guardedList(objects.list(prefix, start)));
      }
    },

    objectsOf: (area, id) =>
      guarded(`the objects of ${formatModelId(id)} could not be listed`, () =>
        Array.fromAsync(objects.list(area === "version" ? fileKey(id, "") : uploadKey(id))),
      ),

    groupOf: parseKey,

    publicationOf: (key) => publicationFolderOf(key.split("/").slice(VERSION_SEGMENTS).join("/")),

    manifestText: (id) =>
      guarded(`the manifest of ${formatModelId(id)} could not be read`, async () => {
        const object = await objects.get(manifestKey(id));
        return object && new Response(object.body).text();
      }),

    manifestKey,

    keysOf: async (id, { manifest, text }) => [
      ...manifest.files.map(({ path }) => fileKey(id, path)),
      signatureKey(id, toHex(await sha256(text))),
    ],

    delete: (keys) =>
      guarded(`of ${keys.length} objects some could not be deleted`, () => objects.delete(keys)),
  };
}

async function* inGroups(listed: AsyncIterable<StoredObject>): AsyncGenerator<ObjectGroup> {
  let group: (Omit<ObjectGroup, "lastKey" | "objects"> & { objects: StoredObject[] }) | undefined;
  const finished = (): ObjectGroup[] =>
    group ? [{ ...group, lastKey: group.objects.at(-1)?.key ?? "" }] : [];
  for await (const object of listed) {
    const found = parseKey(object.key);
    const isSame =
      group && found && group.id.name === found.id.name && group.id.version === found.id.version;
    if (isSame) {
      group?.objects.push(object);
      continue;
    }
    yield* finished();
    group = found && { ...found, objects: [object] };
  }
  yield* finished();
}

function parseKey(key: string): { area: ObjectArea; id: ModelId } | undefined {
  for (const [area, prefix] of AREAS) {
    if (!key.startsWith(prefix)) continue;
    const [name = "", version = "", ...rest] = key.slice(prefix.length).split("/");
    if (!MODEL_NAME.test(name) || !MODEL_VERSION.test(version) || rest.length === 0)
      return undefined;
    return { area, id: { name, version } };
  }
  return undefined;
}

async function* guardedList(listed: AsyncIterable<StoredObject>): AsyncGenerator<StoredObject> {
  const iterator = listed[Symbol.asyncIterator]();
  for (;;) {
    const next = await guarded("the objects could not be listed", () => iterator.next());
    if (next.done) return;
    yield next.value;
  }
}

import { formatModelId, MODEL_NAME, MODEL_VERSION, type ModelId } from "../domain/model-id.ts";
import {
  OBJECT_AREAS,
  type ObjectArea,
  type ObjectGroup,
  type ObjectInventory,
} from "../domain/object-inventory.ts";
import type { ListOptions, ObjectStore, StoredObject } from "../domain/object-store.ts";
import { publicationFolderOf } from "../domain/publication-folder.ts";
import { toHex } from "../shared/hex.ts";
import { sha256 } from "../shared/sha256.ts";
import { fromCaptureKey } from "./capture-keys.ts";
import { guarded } from "./guarded.ts";
import {
  backgroundKey,
  CAPTURES_PREFIX,
  fileKey,
  MODELS_PREFIX,
  manifestKey,
  profileKey,
  signatureKey,
  UPLOADS_PREFIX,
  uploadKey,
} from "./model-keys.ts";

/** In the order of the keys. */
const PREFIXES: Readonly<Record<ObjectArea, string>> = {
  captures: CAPTURES_PREFIX,
  version: MODELS_PREFIX,
  uploads: UPLOADS_PREFIX,
};

/** In one group: a version may have any number of them. */
const MAX_CAPTURES = 1000;
/** Before the path of an object of a version: `models`, name and number. */
const VERSION_SEGMENTS = 3;

/** The objects of versions in object storage, by the keys that `docs/storage.md` documents. */
export function createObjectInventory(
  objects: ObjectStore,
  now: () => number = Date.now,
): ObjectInventory {
  /** Those whose retention has ended come first. */
  async function* expiredCaptures(options?: ListOptions): AsyncGenerator<StoredObject> {
    const at = now();
    for await (const object of guardedList(objects.list(CAPTURES_PREFIX, options))) {
      const capture = fromCaptureKey(object.key);
      if (capture && capture.expiresAt > at) return;
      yield object;
    }
  }

  return {
    async *groups({ after = "", areas = OBJECT_AREAS } = {}) {
      for (const area of OBJECT_AREAS) {
        const prefix = PREFIXES[area];
        if (!areas.includes(area) || after >= `${prefix}\u{10ffff}`) continue;
        const start = after.startsWith(prefix) ? { after } : {};
        if (area === "captures") yield* inGroups(expiredCaptures(start), MAX_CAPTURES);
        else yield* inGroups(guardedList(objects.list(prefix, start)));
      }
    },

    objectsOf: (area, id) =>
      guarded(`the objects of ${formatModelId(id)} could not be listed`, async () => {
        if (area !== "captures")
          return Array.fromAsync(
            objects.list(area === "version" ? fileKey(id, "") : uploadKey(id)),
          );
        const found: StoredObject[] = [];
        for await (const object of expiredCaptures()) {
          const group = parseKey(object.key);
          if (group?.id.name === id.name && group.id.version === id.version) found.push(object);
        }
        return found;
      }),

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
      profileKey(id),
      backgroundKey(id),
    ],

    delete: (keys) =>
      guarded(`of ${keys.length} objects some could not be deleted`, () => objects.delete(keys)),
  };
}

/** @param maxObjects of a group, after which another one of the same version begins */
async function* inGroups(
  listed: AsyncIterable<StoredObject>,
  maxObjects = Number.POSITIVE_INFINITY,
): AsyncGenerator<ObjectGroup> {
  let group: (Omit<ObjectGroup, "lastKey" | "objects"> & { objects: StoredObject[] }) | undefined;
  const finished = (): ObjectGroup[] =>
    group ? [{ ...group, lastKey: group.objects.at(-1)?.key ?? "" }] : [];
  for await (const object of listed) {
    const found = parseKey(object.key);
    const isSame =
      group && found && group.id.name === found.id.name && group.id.version === found.id.version;
    if (isSame && (group?.objects.length ?? 0) < maxObjects) {
      group?.objects.push(object);
      continue;
    }
    yield* finished();
    group = found && { ...found, objects: [object] };
  }
  yield* finished();
}

function parseKey(key: string): { area: ObjectArea; id: ModelId } | undefined {
  const capture = fromCaptureKey(key);
  if (capture) return { area: "captures", id: { name: capture.name, version: capture.version } };
  for (const area of ["version", "uploads"] as const) {
    const prefix = PREFIXES[area];
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

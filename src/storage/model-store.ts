import { compareVersions, formatModelId, type ModelId } from "../domain/model-id.ts";
import type { ObjectStore } from "../domain/object-store.ts";
import type { ListedVersion, ModelStore, ModelWriter, StoredVersion } from "../domain/ports.ts";
import { MAX_BUNDLE_BYTES } from "../domain/signature/bundle.ts";
import type { CheckManifest } from "../domain/signature/check-manifest.ts";
import { toHex } from "../shared/hex.ts";
import { sha256 } from "../shared/sha256.ts";
import { guarded } from "./guarded.ts";
import { parseManifestJson } from "./manifest-json.ts";
import {
  claimKey,
  fileKey,
  fromBackgroundKey,
  fromManifestKey,
  fromProfileKey,
  MODELS_PREFIX,
  manifestKey,
  modelPrefix,
  routingKey,
  signatureKey,
} from "./model-keys.ts";
import { createRoutingStore } from "./routing-store.ts";

const ENCODER = new TextEncoder();

export interface ModelStoreOptions {
  /** Called with each manifest before it is returned. */
  readonly checkManifest?: CheckManifest | undefined;
}

/** Published models in object storage, by the keys that `docs/storage.md` documents. */
export function createModelStore(
  objects: ObjectStore,
  { checkManifest }: ModelStoreOptions = {},
): ModelStore & ModelWriter {
  async function listVersions(prefix: string): Promise<ListedVersion[]> {
    const found: ListedVersion[] = [];
    for await (const { key, etag, writtenAt } of objects.list(prefix)) {
      const id = fromManifestKey(key);
      if (id) found.push({ ...id, revision: etag, publishedAt: writtenAt });
    }
    return found;
  }

  const readPublication: ModelStore["publication"] = (id) =>
    guarded(`the manifest of ${formatModelId(id)} could not be read`, async () => {
      const object = await objects.get(manifestKey(id));
      if (!object) return undefined;
      const text = await new Response(object.body).text();
      const manifest = parseManifestJson(id, text);
      await checkManifest?.({ id, text, value: manifest }, () => readSignature(id, text));
      return { manifest, manifestText: text, revision: object.etag };
    });

  const readSignature: ModelStore["signature"] = (id, manifestText) =>
    guarded(`the signature of ${formatModelId(id)} could not be read`, async () => {
      const object = await objects.get(await signatureKeyOf(id, manifestText));
      if (!object) return undefined;
      if (object.sizeBytes > MAX_BUNDLE_BYTES) {
        await object.body.cancel();
        return TOO_LARGE;
      }
      return parseJson(await new Response(object.body).text());
    });

  return {
    list: () => guarded("the models could not be listed", () => listVersions(MODELS_PREFIX)),

    versions: (name) =>
      guarded(`the versions of model "${name}" could not be listed`, async () => {
        const versions = await listVersions(modelPrefix(name));
        return versions.sort((a, b) => compareVersions(a.version, b.version));
      }),

    listing: (name) =>
      guarded(`the versions of model "${name}" could not be listed`, async () => {
        const versions: StoredVersion[] = [];
        const profiles = new Map<string, string>();
        const backgrounds = new Map<string, string>();
        let routingEtag: string | undefined;
        for await (const { key, etag, writtenAt } of objects.list(modelPrefix(name))) {
          const id = fromManifestKey(key);
          if (id) versions.push({ version: id.version, revision: etag, publishedAt: writtenAt });
          else if (key === routingKey(name)) routingEtag = etag;
          else {
            const profiled = fromProfileKey(key);
            if (profiled) profiles.set(profiled.version, etag);
            const explained = fromBackgroundKey(key);
            if (explained) backgrounds.set(explained.version, etag);
          }
        }
        versions.sort((a, b) => compareVersions(a.version, b.version));
        return {
          versions: versions.map((each) => withEtags(each, profiles, backgrounds)),
          routingEtag,
        };
      }),

    routing: createRoutingStore(objects).routing,

    manifest: async (id) => (await readPublication(id))?.manifest,

    publication: readPublication,

    signature: readSignature,

    file: (id, path) =>
      guarded(`${path} of ${formatModelId(id)} could not be read`, () =>
        objects.get(fileKey(id, path)),
      ),

    hasObject: (key) =>
      guarded(
        `the object ${key} could not be read`,
        async () => (await objects.head(key)) !== undefined,
      ),

    putFile: (id, path, body, sizeBytes) =>
      guarded(`${path} of ${formatModelId(id)} could not be written`, async () => {
        await objects.putStream(fileKey(id, path), body, sizeBytes);
      }),

    deleteFile: (id, path) =>
      guarded(`${path} of ${formatModelId(id)} could not be deleted`, () =>
        objects.delete([fileKey(id, path)]),
      ),

    putSignature: (id, manifestText, signature) =>
      guarded(`the signature of ${formatModelId(id)} could not be written`, async () => {
        const key = await signatureKeyOf(id, manifestText);
        const bytes = ENCODER.encode(JSON.stringify(signature));
        await objects.put(key, bytes, { contentType: "application/json" });
      }),

    claimFolder: (id, folder) =>
      guarded(`${formatModelId(id)} could not be published`, async () => {
        const key = claimKey(id, folder);
        const options = { onlyIf: { absent: true } } as const;
        if (!(await objects.put(key, ENCODER.encode(folder), options))) return false;
        for await (const other of objects.list(fileKey(id, `${folder}/`))) {
          if (other.key === key) continue;
          await objects.delete([key]);
          return false;
        }
        return true;
      }),

    releaseFolder: (id, folder) =>
      guarded(`the folder ${folder} of ${formatModelId(id)} could not be released`, () =>
        objects.delete([claimKey(id, folder)]),
      ),

    publish: (id, manifestText) =>
      guarded(`${formatModelId(id)} could not be published`, async () => {
        const written = await objects.put(
          manifestKey(id),
          ENCODER.encode(manifestText),
          // Only if there is none, so that of concurrent publications of one version only one succeeds.
          { onlyIf: { absent: true }, contentType: "application/json" },
        );
        return written !== undefined;
      }),
  };
}

function withEtags(
  stored: StoredVersion,
  profiles: ReadonlyMap<string, string>,
  backgrounds: ReadonlyMap<string, string>,
): StoredVersion {
  const profileEtag = profiles.get(stored.version);
  const backgroundEtag = backgrounds.get(stored.version);
  return {
    ...stored,
    ...(profileEtag !== undefined && { profileEtag }),
    ...(backgroundEtag !== undefined && { backgroundEtag }),
  };
}

async function signatureKeyOf(id: ModelId, manifestText: string): Promise<string> {
  return signatureKey(id, toHex(await sha256(manifestText)));
}

/** In place of a signature that is not read whole: no JSON of a bundle. */
const TOO_LARGE = "larger than a bundle may be";

/** What is no JSON stays a text, which is no signature. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

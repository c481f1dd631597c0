import {
  type Background,
  type BackgroundReader,
  type BackgroundStore,
  backgroundDigest,
  backgroundSchema,
  type KeptBackground,
  type KnownBackground,
  MAX_BACKGROUND_BYTES,
} from "../../domain/explanation/background.ts";
import { type Manifest, modelDigest } from "../../domain/manifest.ts";
import { LruMap } from "../../shared/lru-map.ts";

/** Of all rows that an isolate keeps, as JSON: values of JavaScript take a few times as much. */
const MAX_KEPT_BYTES = 4 * MAX_BACKGROUND_BYTES;
/** Of an entry beside its rows. */
const ENTRY_BYTES = 1024;

interface Kept {
  /** `undefined` for a document that has no rows of this version. */
  readonly background: KeptBackground | undefined;
}

/**
 * Keeps the rows of the versions that were explained last, as long as the listing of their models says that they are the same: a
 * version that is explained again costs no read. Rows that are not valid, or of another model file, are none.
 */
export function createBackgroundReader(store: Pick<BackgroundStore, "read">): BackgroundReader {
  const kept = new LruMap<string, Kept>(MAX_KEPT_BYTES);
  return {
    async read({ manifest, backgroundEtag }) {
      if (backgroundEtag === undefined) return undefined;
      const key = `${manifest.name}/${manifest.version}/${backgroundEtag}`;
      const known = kept.get(key);
      if (known) return known.background;
      const stored = await store.read(manifest);
      const read = stored && (await toKnownBackground(manifest, stored.value));
      const background = read && { inputs: read.background.inputs, digest: read.digest };
      // Rows that were set since are kept under their own tag, with the next listing.
      if (stored?.etag === backgroundEtag)
        kept.set(key, { background }, ENTRY_BYTES + (background ? sizeOf(background.inputs) : 0));
      return background;
    },
  };
}

/** @returns `undefined` for what are no background rows of the version */
export async function toKnownBackground(
  manifest: Manifest,
  value: unknown,
): Promise<KnownBackground | undefined> {
  const { success, data: background } = backgroundSchema.safeParse(value);
  if (!success || !isBackgroundOf(manifest, background)) return undefined;
  return { background, digest: await backgroundDigest(background) };
}

/** Whether the rows are of the model that the version has now: versions may be deleted and published again. */
export function isBackgroundOf(
  manifest: Manifest,
  { model, version, modelSha256 }: Pick<Background, "model" | "version" | "modelSha256">,
): boolean {
  return (
    model === manifest.name && version === manifest.version && modelSha256 === modelDigest(manifest)
  );
}

function sizeOf(inputs: readonly unknown[]): number {
  return JSON.stringify(inputs).length;
}

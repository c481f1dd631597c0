import type { ListedVersion, ModelStore } from "../domain/ports.ts";

/** Every published version, listed in storage at most once for the lifetime of a listing. */
export interface ModelListing {
  /** Sorted by name and ascending version. One call of storage lists 1,000 objects; no manifest is read. */
  list(): Promise<readonly ListedVersion[]>;
  /** The names of the listing, if it is fresh. */
  names(): ReadonlySet<string> | undefined;
  /** Drops the listing, because this isolate has changed it. */
  forget(): void;
}

/** A longer listing is not kept: it would take megabytes of the isolate's memory. */
const MAX_KEPT = 20_000;

export function createModelListing(
  store: Pick<ModelStore, "list">,
  { ttlMs, now }: { readonly ttlMs: number; readonly now: () => number },
): ModelListing {
  let kept:
    | {
        readonly versions: readonly ListedVersion[];
        readonly names: ReadonlySet<string>;
        readonly readAt: number;
      }
    | undefined;
  /** Counts changes, so that a listing that was read before one is not kept. */
  let changes = 0;

  function fresh(): typeof kept {
    if (kept && now() - kept.readAt >= ttlMs) kept = undefined;
    return kept;
  }

  return {
    async list() {
      const known = fresh();
      if (known) return known.versions;
      const before = changes;
      const readAt = now();
      const versions = [...(await store.list())].sort(
        (a, b) => compareNames(a.name, b.name) || Number(a.version) - Number(b.version),
      );
      if (changes === before && ttlMs > 0 && versions.length <= MAX_KEPT)
        kept = { versions, names: new Set(versions.map(({ name }) => name)), readAt };
      return versions;
    },
    names: () => fresh()?.names,
    forget() {
      changes += 1;
      kept = undefined;
    },
  };
}

function compareNames(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

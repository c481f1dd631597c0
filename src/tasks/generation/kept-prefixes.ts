import type { CacheBlock } from "../../domain/blocks/postprocess/text-generation.ts";
import { ApiError } from "../../domain/errors.ts";
import type { Lease, RevocableLease } from "../../domain/ports.ts";
import type { TensorHandle } from "../../domain/tensor-handle.ts";
import { allocatePrefix, copyPrefixes, tokenBytes } from "./key-value-cache.ts";

/** A shorter prefix is read in less time than it is worth. */
const MIN_TOKENS = 16;
/** Of a prompt so many are read at least: a single one is computed by another kernel, whose last bits differ. */
const MIN_READ_TOKENS = 2;
/** How long a prefix is kept after it was last used. */
const KEPT_MS = 600_000;
/** Prefixes that are kept at most: each is compared with each prompt. */
const MAX_PREFIXES = 64;

/** The prefix of a prompt, with its keys and values. */
export interface KeptPrefix {
  readonly handles: readonly TensorHandle[];
  /** That are those of the prompt. */
  readonly tokens: number;
}

interface Entry {
  readonly client: string;
  readonly ids: readonly number[];
  readonly lease: RevocableLease;
  readonly handles: readonly TensorHandle[];
}

/**
 * Keys and values of prompts, of which later prompts that begin with the same tokens need not compute them. They are kept in the
 * heap of the model until their memory is needed, and used for nobody but the client whose prompt they are of.
 */
export class KeptPrefixes {
  readonly #cache: CacheBlock;
  /** Least recently used first. */
  readonly #entries = new Set<Entry>();

  constructor(cache: CacheBlock) {
    this.#cache = cache;
  }

  /** The longest prefix of a prompt that is kept. */
  find(client: string, prompt: readonly number[]): KeptPrefix | undefined {
    let best: Entry | undefined;
    let most = MIN_TOKENS - 1;
    for (const entry of this.#entries) {
      if (entry.client !== client) continue;
      const common = commonLength(entry.ids, prompt);
      const tokens = Math.min(common, prompt.length - MIN_READ_TOKENS);
      if (tokens <= most) continue;
      best = entry;
      most = tokens;
    }
    if (!best || !this.#touch(best)) return undefined;
    return { handles: best.handles, tokens: most };
  }

  /**
   * Keeps the keys and values of a prompt that has been read, if there is memory for them.
   * @param lease of its text
   * @param handles of its cache: those of the prompt's tokens come first
   */
  keep(
    client: string,
    prompt: readonly number[],
    lease: Lease,
    handles: readonly TensorHandle[],
  ): void {
    if (prompt.length < MIN_TOKENS) return;
    for (const entry of this.#entries) {
      if (entry.client !== client) continue;
      const common = commonLength(entry.ids, prompt);
      if (common === prompt.length) {
        if (this.#touch(entry)) return;
      }
      // What the longer one serves as well.
      if (common === entry.ids.length) entry.lease.dispose();
    }
    const [oldest] = this.#entries;
    if (oldest && this.#entries.size >= MAX_PREFIXES) oldest.lease.dispose();
    let entry: Entry | undefined;
    const kept = lease.keep({
      expiresAt: Date.now() + KEPT_MS,
      reservedBytes: prompt.length * tokenBytes(this.#cache),
      onEnd: () => void (entry && this.#entries.delete(entry)),
    });
    if (!kept) return;
    try {
      const copies = handles.map((handle) => allocatePrefix(kept, handle, prompt.length));
      copyPrefixes(kept, handles, copies, prompt.length);
      entry = { client, ids: [...prompt], lease: kept, handles: copies };
      this.#entries.add(entry);
    } catch (error) {
      kept.dispose();
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** @returns whether it is still there: it may have expired meanwhile */
  #touch(entry: Entry): boolean {
    this.#entries.delete(entry);
    try {
      entry.lease.touch(Date.now() + KEPT_MS);
    } catch (error) {
      if (error instanceof ApiError) return false;
      throw error;
    }
    this.#entries.add(entry);
    return true;
  }
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a[length] === b[length]) length += 1;
  return length;
}

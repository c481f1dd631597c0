import {
  type AuditEntry,
  type AuditHead,
  EMPTY_HEAD,
  hashOf,
  NO_HASH,
  toDetailsText,
  toHashedText,
} from "./audit-entry.ts";

/** What is wrong with a chain at an entry. */
export interface ChainProblem {
  readonly seq: number;
  readonly problem: string;
}

/** The entry of a change that has begun, and whose end is in no entry. */
export type OpenChange = Pick<AuditEntry, "seq" | "at" | "operation" | "by">;

export interface ChainReport {
  /** The last entry. */
  readonly head: AuditHead;
  readonly problems: readonly ChainProblem[];
  readonly open: readonly OpenChange[];
  /** How many entries have no details any longer, because of an erasure. */
  readonly erased: number;
}

export interface ChainVerifier {
  /** Verifies the next entry, which may be anything that was read. */
  add(entry: unknown): Promise<void>;
  end(): ChainReport;
}

/** After so many there is nothing more to learn. */
const MAX_PROBLEMS = 100;

/**
 * Verifies a chain from its first entry on, by hashing each entry again. It needs nothing but the entries, so it runs where
 * nobody who can write them does.
 * @param kept heads of the chain that were read before: their entries must still be there, and be the same
 */
export function createChainVerifier(kept: readonly AuditHead[] = []): ChainVerifier {
  const problems: ChainProblem[] = [];
  const open = new Map<string, OpenChange>();
  /** Entries without details, for which no erasure has been found yet. */
  const unexplained = new Set<number>();
  let erased = 0;
  const found = new Map<number, string>([[0, NO_HASH]]);
  let last = { ...EMPTY_HEAD, at: "" };

  function report(seq: number, problem: string): void {
    if (problems.length < MAX_PROBLEMS) problems.push({ seq, problem });
  }

  function checkOrder({ seq, at, previous }: AuditEntry): void {
    const expected = last.seq + 1;
    if (seq > expected) report(seq, `the entries ${expected} to ${seq - 1} before it are missing`);
    else if (seq < expected) report(seq, `it comes after entry ${last.seq}`);
    else if (previous !== last.hash)
      report(seq, `it does not have the hash of entry ${last.seq}: one of the two was changed`);
    if (at < last.at) report(seq, `its time ${at} is before that of entry ${last.seq}`);
  }

  async function checkDetails(entry: AuditEntry): Promise<void> {
    const { seq, detailsHash, details, salt, erased: isErased } = entry;
    for (const each of entry.erases ?? []) unexplained.delete(each);
    if (detailsHash === undefined) {
      if (details !== undefined || isErased) report(seq, "it has details that it never had");
    } else if (isErased) {
      erased += 1;
      unexplained.add(seq);
    } else if ((await hashOf(toDetailsText(details ?? {}, salt ?? ""))) !== detailsHash)
      report(seq, "its details do not have their hash: they were changed");
  }

  return {
    async add(value) {
      const entry = toEntry(value);
      if (!entry) {
        const seq = last.seq + 1;
        report(seq, "it was changed, and is no entry any longer");
        last = { ...last, seq, hash: hashIn(value) };
        return;
      }
      checkOrder(entry);
      const { seq, at, hash, change, phase, operation, by } = entry;
      if ((await hashOf(toHashedText(entry))) !== hash)
        report(seq, "its content does not have its hash: one of the two was changed");
      await checkDetails(entry);
      if (phase === "begun") open.set(change, { seq, at, operation, by });
      else open.delete(change);
      last = { seq, at, hash };
      if (kept.some((head) => head.seq === seq)) found.set(seq, hash);
    },

    end() {
      for (const { seq, hash } of kept) {
        if (seq > last.seq)
          report(seq, `it existed before, and the entries from ${last.seq + 1} on are missing`);
        else if (found.get(seq) !== hash)
          report(seq, `it had the hash ${hash} before, and has another one now`);
      }
      for (const seq of unexplained)
        report(seq, "its details are missing, and no later entry has erased them");
      const { seq, hash } = last;
      return { head: { seq, hash }, problems, open: [...open.values()], erased };
    },
  };
}

/** Of an entry whose text is damaged there are its number and hash at most. */
function toEntry(value: unknown): AuditEntry | undefined {
  const { seq, ...fields } = Object(value) as Record<string, unknown>;
  const texts = ["at", "change", "hash", "operation", "phase", "previous"];
  const isEntry =
    Number.isSafeInteger(seq) && texts.every((name) => typeof fields[name] === "string");
  return isEntry ? (value as AuditEntry) : undefined;
}

function hashIn(value: unknown): string {
  const { hash } = Object(value) as { hash?: unknown };
  return typeof hash === "string" ? hash : "";
}

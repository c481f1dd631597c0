import type { KeyAuthority } from "../../domain/access/key-authority.ts";
import type { AuditAuthority } from "../../domain/audit/audit-authority.ts";
import type { DataSelector } from "../../domain/data-selector.ts";
import { type PersonalDataStore, RESTORABLE } from "../personal-data-store.ts";

/**
 * What the authority has of an API key, and the details of the entries about it in the audit; the entries themselves stay, as a
 * chain of hashes has to. Of subjects and requests it has nothing.
 */
export function createKeysData(
  authority: Pick<KeyAuthority, "exportKey" | "eraseKey"> &
    Pick<AuditAuthority, "exportAudit" | "eraseAudit">,
  now: () => number = Date.now,
): PersonalDataStore {
  const idOf = ({ kind, value }: DataSelector): string | undefined =>
    kind === "key" ? value : undefined;
  return {
    name: "keys",

    async erase(selector, { budget }) {
      const id = idOf(selector);
      if (id === undefined) return { erased: 0 };
      budget.spend(2);
      const rows = await authority.eraseKey(id);
      const erased = rows + (await authority.eraseAudit(id));
      const until = new Date(now() + RESTORABLE.forMs).toISOString();
      return { erased, remains: [{ what: RESTORABLE.what, until }] };
    },

    async export(selector, { budget }) {
      const id = idOf(selector);
      if (id === undefined) return { items: [] };
      const tables = await authority.exportKey(id);
      const items = Object.entries(tables).flatMap(([table, rows]) =>
        rows.map((row) => ({ table, ...row })),
      );
      const entries = await authority.exportAudit(id);
      const all = [...items, ...entries.map((entry) => ({ table: "audit", ...entry }))];
      budget.spend(2, JSON.stringify(all).length);
      return { items: all };
    },
  };
}

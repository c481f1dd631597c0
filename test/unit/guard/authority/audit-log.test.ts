import { describe, expect, test } from "vitest";
import { createChainVerifier } from "../../../../src/domain/audit/audit-chain.ts";
import type { AuditRecord } from "../../../../src/domain/audit/audit-entry.ts";
import { migrate } from "../../../../src/domain/durable-object/migrate.ts";
import { createAuditLog } from "../../../../src/guard/authority/audit-log.ts";
import { AUDIT_MIGRATIONS } from "../../../../src/guard/authority/audit-table.ts";
import { createTestStorage } from "../../../support/sql.ts";

function createLog() {
  const storage = createTestStorage();
  migrate(storage, AUDIT_MIGRATIONS);
  return { storage, log: createAuditLog(storage) };
}

function recordOf(number: number, fields: Partial<AuditRecord> = {}): AuditRecord {
  return {
    change: `change-${number}`,
    phase: "begun",
    operation: "setAlias",
    by: "key:1f0c2a9b",
    requestId: `r-${number}`,
    target: { model: `model-${number % 3}`, alias: "production" },
    ...fields,
  };
}

type Log = ReturnType<typeof createAuditLog>;

/** As the command line reads it: by pages, to the end. */
async function verify(log: Log, limit = 7) {
  const verifier = createChainVerifier([log.auditHead()]);
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page = log.readAudit({ after, limit });
    for (const entry of page.entries) await verifier.add(JSON.parse(JSON.stringify(entry)));
    after = page.next;
  }
  return verifier.end();
}

test("entries that are appended at the same time are one chain, in their order", async () => {
  const { log } = createLog();
  const heads = await Promise.all(
    Array.from({ length: 30 }, (_, index) => log.appendAudit(recordOf(index))),
  );
  expect(heads.map(({ seq }) => seq)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
  expect(log.auditHead()).toEqual(heads.at(-1));
  const { problems, head, open } = await verify(log);
  expect(problems).toEqual([]);
  expect(head).toEqual(heads.at(-1));
  expect(open).toHaveLength(30);
});

test("a record that is sent again, because its acknowledgement was lost, is one entry", async () => {
  const { log } = createLog();
  const first = await log.appendAudit(recordOf(1));
  await log.appendAudit(recordOf(2));
  expect(await log.appendAudit(recordOf(1))).toEqual(first);
  const end = await log.appendAudit(recordOf(1, { phase: "done" }));
  expect(await log.appendAudit(recordOf(1, { phase: "done" }))).toEqual(end);
  expect(log.auditHead().seq).toBe(3);
});

test("an append that fails leaves a chain that goes on", async () => {
  const { storage, log } = createLog();
  await log.appendAudit(recordOf(1));
  const { exec } = storage.sql;
  let isBroken = true;
  Object.assign(storage.sql, {
    exec: (...given: Parameters<typeof exec>) => {
      if (isBroken && given[0].startsWith("INSERT")) throw new Error("the disk is full");
      return exec(...given);
    },
  });
  await expect(log.appendAudit(recordOf(2))).rejects.toThrow("the disk is full");
  isBroken = false;
  expect(await log.appendAudit(recordOf(2))).toMatchObject({ seq: 2 });
  expect((await verify(log)).problems).toEqual([]);
});

test("times never go back, whatever the clock does", async () => {
  const { storage, log } = createLog();
  await log.appendAudit(recordOf(1));
  storage.advance(-3_600_000);
  await log.appendAudit(recordOf(2));
  storage.advance(7_200_000);
  await log.appendAudit(recordOf(3));
  const { entries } = log.readAudit({ after: 0, limit: 10 });
  expect(entries.map((entry) => "at" in entry && entry.at)).toEqual([
    "2026-11-30T12:00:00.000Z",
    "2026-11-30T12:00:00.000Z",
    "2026-11-30T13:00:00.000Z",
  ]);
  expect((await verify(log)).problems).toEqual([]);
});

test("pages go back from the newest entry, forward from one, and select by properties", async () => {
  const { log } = createLog();
  for (let number = 0; number < 10; number++)
    await log.appendAudit(recordOf(number, number === 4 ? { by: "key:other" } : {}));
  const seqs = (query: Parameters<Log["readAudit"]>[0]) => {
    const { entries, next } = log.readAudit(query);
    return { seqs: entries.map(({ seq }) => seq), next };
  };
  expect(seqs({ limit: 4 })).toEqual({ seqs: [10, 9, 8, 7], next: 7 });
  expect(seqs({ before: 3, limit: 4 })).toEqual({ seqs: [2, 1], next: undefined });
  expect(seqs({ after: 8, limit: 2 })).toEqual({ seqs: [9, 10], next: undefined });
  expect(seqs({ after: 0, limit: 3 })).toEqual({ seqs: [1, 2, 3], next: 3 });
  expect(seqs({ model: "model-1", limit: 2 })).toEqual({ seqs: [8, 5], next: 5 });
  expect(seqs({ by: "key:other", limit: 9 })).toEqual({ seqs: [5], next: undefined });
  expect(seqs({ requestId: "r-2", operation: "setAlias", limit: 9 }).seqs).toEqual([3]);
  expect(seqs({ operation: "purgeCache", limit: 9 })).toEqual({ seqs: [], next: undefined });
});

test("a page has what it selects among many entries, in both directions", async () => {
  const { log } = createLog();
  const chosen = [1, 200, 201, 400, 401, 450];
  for (let seq = 1; seq <= 450; seq++)
    await log.appendAudit(recordOf(seq, chosen.includes(seq) ? { by: "key:other" } : {}));
  const read = (query: object) => {
    const { entries, next } = log.readAudit({ by: "key:other", limit: 100, ...query });
    return [entries.map(({ seq }) => seq), next];
  };
  expect(read({ after: 0 })).toEqual([chosen, undefined]);
  expect(read({})).toEqual([chosen.toReversed(), undefined]);
  expect(read({ after: 0, limit: 3 })).toEqual([[1, 200, 201], expect.any(Number)]);
});

test("a page is bounded, and the next one goes on behind it", async () => {
  const { log } = createLog();
  const texts = Array.from({ length: 12 }, (_, index) => [`field${index}`, "x".repeat(250)]);
  const large = Object.fromEntries(texts);
  for (let number = 0; number < 400; number++)
    await log.appendAudit(
      recordOf(number, { details: { before: large, after: large, request: large } }),
    );
  const { entries, next } = log.readAudit({ after: 0, limit: 1000 });
  expect(entries.length).toBeLessThan(400);
  expect(next).toBe(entries.at(-1)?.seq);
  expect((await verify(log, 1000)).problems).toEqual([]);
});

test("what an entry has is bounded, and says what was left out", async () => {
  const { log } = createLog();
  const long = "x".repeat(100_000);
  await log.appendAudit(
    recordOf(1, {
      target: { model: long },
      details: {
        actor: long,
        request: { note: long, list: Array.from({ length: 5000 }, (_, index) => index) },
        after: Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`f${index}`, index])),
      },
    }),
  );
  const [entry] = log.readAudit({ limit: 1 }).entries;
  expect(JSON.stringify(entry).length).toBeLessThan(16_384);
  expect(entry).toMatchObject({
    details: {
      actor: `${"x".repeat(253)}...`,
      request: { list: "(list of 5000)" },
      after: { f0: 0, "...": expect.stringMatching(/^\d{4} more fields$/) },
    },
  });
  expect((await verify(log)).problems).toEqual([]);
});

describe("of a row of the table", () => {
  test("every single character that is changed is found", async () => {
    const { storage, log } = createLog();
    for (let number = 0; number < 3; number++)
      await log.appendAudit(
        recordOf(number, { details: { actor: "Ada", after: { version: "2" } } }),
      );
    // It refuses what is no JSON; whoever writes into the file does not ask it.
    storage.sql.exec("DROP INDEX audit_changes");
    const [row] = storage.sql.exec("SELECT entry, hash, details, salt FROM audit WHERE seq = 2");
    const unnoticed: string[] = [];
    for (const [column, text] of Object.entries(row as Record<string, string>)) {
      for (let at = 0; at < text.length; at++)
        for (const bit of [1, 4, 32]) {
          const code = String.fromCharCode(text.charCodeAt(at) ^ bit);
          const changed = text.slice(0, at) + code + text.slice(at + 1);
          storage.sql.exec(`UPDATE audit SET ${column} = ? WHERE seq = 2`, changed);
          const { problems } = await verify(log);
          if (problems.length === 0) unnoticed.push(`${column} ${at}: ${changed}`);
        }
      storage.sql.exec(`UPDATE audit SET ${column} = ? WHERE seq = 2`, text);
    }
    expect(unnoticed).toEqual([]);
    expect((await verify(log)).problems).toEqual([]);
  });

  test.each([
    ["a space more in its JSON", "UPDATE audit SET entry = replace(entry, '\":', '\": ')", 2],
    ["a field twice", `UPDATE audit SET entry = replace(entry, '{"at"', '{"at":"x","at"')`, 2],
    [
      "a hash of its own",
      `UPDATE audit SET entry = replace(entry, '{"at"', '{"hash":"x","at"')`,
      2,
    ],
    ["another number", "UPDATE audit SET seq = 99", 2],
    ["no details", "UPDATE audit SET details = NULL, salt = NULL", 2],
    ["no salt", "UPDATE audit SET salt = NULL", 2],
    ["a space more in its details", "UPDATE audit SET details = details || ' '", 2],
    ["no row", "DELETE FROM audit", 2],
    ["no last row", "DELETE FROM audit", 3],
  ])("%s is found", async (_, statement, seq) => {
    const { storage, log } = createLog();
    for (let number = 0; number < 3; number++)
      await log.appendAudit(recordOf(number, { details: { actor: "Ada" } }));
    const kept = log.auditHead();
    storage.sql.exec(`${statement} WHERE seq = ${seq}`);
    const verifier = createChainVerifier([kept]);
    for (const entry of log.readAudit({ after: 0, limit: 9 }).entries) await verifier.add(entry);
    expect(verifier.end().problems).not.toEqual([]);
  });
});

describe("the details of the entries of a key", () => {
  const key = "0123456789ab";

  async function createLogOfKey() {
    const { storage, log } = createLog();
    await log.appendAudit(recordOf(1, { details: { actor: "Ada" } }));
    await log.appendAudit(
      recordOf(2, {
        operation: "createKey",
        target: { key },
        details: { after: { owner: "Eve" } },
      }),
    );
    await log.appendAudit(recordOf(3, { by: `key:${key}`, details: { actor: "Eve" } }));
    await log.appendAudit(recordOf(4, { by: `key:${key}` }));
    return { storage, log };
  }

  test("are exported", async () => {
    const { log } = await createLogOfKey();
    expect(log.exportAudit(key)).toMatchObject([
      { seq: 2, details: { after: { owner: "Eve" } } },
      { seq: 3, details: { actor: "Eve" } },
      { seq: 4 },
    ]);
    expect(log.exportAudit("ba9876543210")).toEqual([]);
  });

  test("are erased from the table, and the chain remains right and says so", async () => {
    const { storage, log } = await createLogOfKey();
    expect(await log.eraseAudit(key)).toBe(2);
    expect(JSON.stringify([...storage.sql.exec("SELECT * FROM audit")])).not.toContain("Eve");
    const { problems, erased, head } = await verify(log);
    expect({ problems, erased, seq: head.seq }).toEqual({ problems: [], erased: 2, seq: 5 });
    expect(log.readAudit({ limit: 1 }).entries).toMatchObject([
      { operation: "eraseAudit", by: "authority", erases: [2, 3] },
    ]);
    expect(await log.eraseAudit(key)).toBe(0);
    expect(log.auditHead().seq).toBe(5);
  });

  test("are erased also where a row is no JSON any longer", async () => {
    const { storage, log } = await createLogOfKey();
    storage.sql.exec("DROP INDEX audit_changes");
    storage.sql.exec("UPDATE audit SET entry = 'x' WHERE seq = 1");
    expect(await log.eraseAudit(key)).toBe(2);
  });
});

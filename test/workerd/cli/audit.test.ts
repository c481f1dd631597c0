import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../../scripts/local-worker.ts";
import { createChainVerifier } from "../../../src/domain/audit/audit-chain.ts";
import type { SqlRow } from "../../../src/domain/sql-storage.ts";
import { createAuditLog } from "../../../src/guard/authority/audit-log.ts";
import { ADMIN_KEY } from "../../support/administration.ts";
import { type CliResult, runCli } from "../../support/cli.ts";
import { findModel, publishAs } from "../../support/publish.ts";

/** The audit log of a local run whose data stays on disk, where somebody changes it. */

let folder: string;
let worker: LocalWorker;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-audit-"));
  await start();
  const bucket = await worker.bucket();
  for (const version of ["1", "2"])
    await publishAs(bucket, findModel("iris-logistic"), { name: "iris", version });
  for (const version of ["1", "2"])
    await run("alias", "iris", "production", version, "--actor", "Ada", "--note", `to ${version}`);
  await run("alias", "iris", "production", "7");
});

afterAll(async () => {
  await worker?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  worker = await startLocalWorker({
    outdir: inject("workerBuild"),
    statePath: join(folder, "state"),
    vars: { ADMIN_KEY, CATALOG_TTL_SECONDS: "0" },
  });
}

function run(...args: string[]): Promise<CliResult> {
  const env = { ONNXFLARE_URL: worker.url.origin, ONNXFLARE_KEY: ADMIN_KEY };
  return runCli(args, { env });
}

const headFile = (): string => join(folder, "head.json");

test("changes are listed, newest first, a line each", async () => {
  const listed = await run("audit", "list");
  expect(listed.code, listed.stderr).toBe(0);
  const lines = listed.stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^SEQ +TIME +WHO +WHAT +TARGET +CHANGE$/);
  expect(lines[1]).toMatch(/setAlias \(failed: version_not_found\) +iris@production/);
  expect(lines[2]).toMatch(
    /^4 +\S+Z +Ada \(key:[0-9a-f]{8}\) +setAlias +iris@production +\{.*"version":"1".*\} -> \{.*"version":"2"/,
  );
  expect(lines).toHaveLength(4);
  const { entries } = (
    await run("audit", "list", "--model", "iris", "--limit", "3", "--json")
  ).json<{
    entries: { seq: number; details: object }[];
  }>();
  expect(entries.map(({ seq }) => seq)).toEqual([6, 5, 4]);
  expect((await run("audit", "list", "--model", "other")).stdout).toBe("");
});

test("a log that nobody has changed is verified, and its head kept", async () => {
  const verified = await run("audit", "verify", "--save-head", headFile());
  expect(verified.code, verified.stderr).toBe(0);
  expect(verified.stdout).toMatch(/^6 entries are as they were written\nhead 6 [0-9a-f]{64}\n$/);
  const kept = JSON.parse(readFileSync(headFile(), "utf8"));
  expect(kept).toEqual({ url: worker.url.origin, seq: 6, hash: expect.any(String) });
  await run("alias", "iris", "production", "1");
  const later = await run("audit", "verify", "--head", headFile(), "--json");
  expect(later.json()).toMatchObject({ ok: true, head: { seq: 8 }, problems: [], open: [] });
});

test("a head that is none is refused", async () => {
  const file = join(folder, "other.json");
  writeFileSync(file, '{"seq": 1, "hash": "abc"}');
  expect(await run("audit", "verify", "--head", file)).toMatchObject({ code: 2, stdout: "" });
  expect((await run("audit", "verify", "--head", join(folder, "missing.json"))).code).toBe(2);
});

describe("after the server has ended, in the file of its database", () => {
  let file: string;
  let original: Buffer;

  beforeAll(async () => {
    await worker.dispose();
    file = findDatabase(join(folder, "state"));
    // What is in the log of SQLite goes into the file itself.
    const database = new DatabaseSync(file);
    database.exec("PRAGMA journal_mode = DELETE");
    database.close();
    original = readFileSync(file);
  });

  afterEach(() => worker.dispose());

  test("every byte of an entry that is changed is found", async () => {
    const copy = join(folder, "copy.sqlite");
    const isNoticed = async (at: number, bit = 0): Promise<boolean> => {
      const changed = Buffer.from(original);
      changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      writeFileSync(copy, changed);
      return !(await isRight(copy));
    };
    for (const [column, text] of Object.entries(readRow(file, 4))) {
      // Pages have remains of cells that were moved, which belong to no row.
      const live: number[] = [];
      for (const at of occurrences(original, text)) if (await isNoticed(at)) live.push(at);
      expect(live.length, column).toBeGreaterThan(0);
      const unnoticed: number[] = [];
      for (const at of live)
        for (let index = 0; index < text.length; index++)
          if (!(await isNoticed(at + index, index % 8))) unnoticed.push(index);
      expect(unnoticed, column).toEqual([]);
    }
    writeFileSync(copy, original);
    expect(await isRight(copy)).toBe(true);
  });

  test("a byte that is changed is found by the command, which names the entry", async () => {
    const changed = Buffer.from(original);
    for (const at of occurrences(original, '"actor":"Ada"'))
      changed.write("Eve", at + '"actor":"'.length);
    writeFileSync(file, changed);
    await start();
    const verified = await run("audit", "verify", "--save-head", headFile());
    expect(verified.code).toBe(9);
    expect(verified.stdout).toMatch(
      /^(?:entry [1-4]: its details do not have their hash: they were changed\n){4}the audit log of .* was changed\n$/,
    );
    // A head of a log that was changed is not kept.
    expect(JSON.parse(readFileSync(headFile(), "utf8")).seq).toBe(6);
    expect((await run("audit", "list")).code).toBe(0);
  });

  test("entries that are removed from the end are found by the head that was kept", async () => {
    writeFileSync(file, original);
    const database = new DatabaseSync(file);
    database.exec("DELETE FROM audit WHERE seq > 5");
    database.close();
    await start();
    expect((await run("audit", "verify")).code).toBe(0);
    const verified = await run("audit", "verify", "--head", headFile());
    expect(verified.code).toBe(9);
    expect(verified.stdout).toContain("entry 6: it existed before");
  });
});

/** The database that has the audit log. */
function findDatabase(state: string): string {
  const files = readdirSync(state, { recursive: true, encoding: "utf8" });
  const found = files.filter((name) => name.includes("KeyAuthority") && name.endsWith(".sqlite"));
  const file = found.map((name) => join(state, name)).find((path) => hasTable(path));
  if (!file || !existsSync(file)) throw new Error(`no database in ${files.join(", ")}`);
  return file;
}

function hasTable(path: string): boolean {
  const database = new DatabaseSync(path);
  const row = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'audit'").get();
  database.close();
  return row !== undefined;
}

function readRow(path: string, seq: number): Record<string, string> {
  const database = new DatabaseSync(path, { readOnly: true });
  const columns = "entry, hash, details, salt";
  const row = database.prepare(`SELECT ${columns} FROM audit WHERE seq = ?`).get(seq);
  database.close();
  return row as Record<string, string>;
}

function occurrences(bytes: Buffer, text: string): number[] {
  const found: number[] = [];
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) found.push(at);
  return found;
}

/** Whether the chain is as it was written. A database that SQLite cannot read is not. */
async function isRight(path: string): Promise<boolean> {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const log = createAuditLog({
      sql: {
        exec: (query, ...bindings) =>
          database.prepare(query).all(...(bindings as string[])) as SqlRow[],
      },
      transaction: (work) => work(),
      now: () => 0,
    });
    const verifier = createChainVerifier([log.auditHead()]);
    for (const entry of log.readAudit({ after: 0, limit: 100 }).entries) await verifier.add(entry);
    return verifier.end().problems.length === 0;
  } catch {
    return false;
  } finally {
    database.close();
  }
}

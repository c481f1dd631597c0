import { describe, expect, it } from "vitest";
import { migrate } from "../../../../src/domain/durable-object/migrate.ts";
import { createAuthority } from "../../../../src/guard/authority/authority.ts";
import { MIGRATIONS } from "../../../../src/guard/authority/migrations.ts";
import { createTestStorage } from "../../../support/sql.ts";

const tablesOf = (storage: ReturnType<typeof createTestStorage>): unknown[] =>
  [...storage.sql.exec("SELECT name FROM sqlite_schema WHERE type = 'table'")].map(
    ({ name }) => name,
  );

describe("migrate", () => {
  it("makes each change once in a database", () => {
    const storage = createTestStorage();
    const first = {
      name: "a-1",
      statements: ["CREATE TABLE a (x INTEGER)", "INSERT INTO a VALUES (1)"],
    };
    const second = { name: "a-2", statements: ["UPDATE a SET x = x + 1"] };
    migrate(storage, [first]);
    migrate(storage, [first, second]);
    migrate(storage, [first, second]);
    expect([...storage.sql.exec("SELECT x FROM a")]).toEqual([{ x: 2 }]);
  });

  it("makes nothing of what fails, and all of it the next time", () => {
    const storage = createTestStorage();
    const good = { name: "a-1", statements: ["CREATE TABLE a (x INTEGER)"] };
    const bad = {
      name: "a-2",
      statements: ["CREATE TABLE b (x INTEGER)", "INSERT INTO c VALUES (1)"],
    };
    expect(() => migrate(storage, [good, bad])).toThrow(/no such table/);
    expect(tablesOf(storage)).toEqual([]);
    migrate(storage, [good]);
    expect(tablesOf(storage)).toContain("a");
  });

  it("leaves what a newer version of the program has made", () => {
    const storage = createTestStorage();
    migrate(storage, [
      ...MIGRATIONS,
      { name: "newer-1", statements: ["CREATE TABLE newer (x INTEGER)"] },
    ]);
    createAuthority(storage);
    expect(tablesOf(storage)).toContain("newer");
  });
});

describe("MIGRATIONS", () => {
  it("have names of their own", () => {
    const names = MIGRATIONS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it("keep what a database has when the object starts again", () => {
    const storage = createTestStorage();
    const by = { label: "a", scopes: ["admin"] } as const;
    const identity = { id: "000000000001", sha256: "0".repeat(64) };
    const stored = createAuthority(storage).createKey(
      identity,
      { name: "a", scopes: ["predict"] },
      by,
    );
    expect(createAuthority(storage).getKey(identity.id, by)).toEqual(stored);
  });
});

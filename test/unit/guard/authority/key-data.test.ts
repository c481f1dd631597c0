import { beforeEach, expect, test } from "vitest";
import type { Grantor } from "../../../../src/domain/access/grantor.ts";
import { type Authority, createAuthority } from "../../../../src/guard/authority/authority.ts";
import { catchApiError } from "../../../support/errors.ts";
import { createTestStorage, type TestStorage } from "../../../support/sql.ts";

const ADMIN: Grantor = { label: "key:0a1b2c3d", scopes: ["admin"] };
const [ID, OTHER] = ["abcdefghijkl", "mnopqrstuvwx"];
const fields = {
  name: "Name of a person",
  scopes: ["predict"],
  owner: "Owner",
  notes: "Notes",
} as const;

let storage: TestStorage;
let authority: Authority;

beforeEach(() => {
  storage = createTestStorage();
  authority = createAuthority(storage);
  for (const [index, id] of [ID, OTHER].entries())
    authority.createKey(
      { id, sha256: String(index).repeat(64) },
      { ...fields, scopes: ["predict"] },
      ADMIN,
    );
});

function dump(): string {
  const tables = [...storage.sql.exec("SELECT name FROM sqlite_master WHERE type = 'table'")];
  return JSON.stringify(tables.map(({ name }) => [...storage.sql.exec(`SELECT * FROM "${name}"`)]));
}

test("the export of a key has its rows, and nothing that verifies it", () => {
  const exported = authority.exportKey(ID);
  expect(exported.keys).toEqual([expect.objectContaining({ id: ID, owner: "Owner" })]);
  expect(JSON.stringify(exported)).toContain("Name of a person");
  expect(JSON.stringify(exported)).not.toContain("0".repeat(64));
  expect(JSON.stringify(exported)).not.toContain(OTHER);
});

test("the erasure of a key leaves nothing of it, and the other as it was", () => {
  const [before] = authority.find([OTHER]);
  authority.rotateKey({ id: ID, sha256: "2".repeat(64) }, 60, ADMIN);
  expect(authority.eraseKey(ID)).toBe(3);
  expect(dump()).not.toContain(ID);
  expect(authority.find([ID, OTHER])).toEqual([undefined, before]);
  catchApiError("key_not_found", () => authority.getKey(ID, ADMIN));
  expect(authority.eraseKey(ID)).toBe(0);
  expect(Object.values(authority.exportKey(ID)).flat()).toEqual([]);
});

test.each(["", "x".repeat(65), undefined])("an id %s is refused", (id) => {
  catchApiError("invalid_request", () => authority.eraseKey(id as string));
});

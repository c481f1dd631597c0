import { beforeEach, describe, expect, it } from "vitest";
import type { Grantor } from "../../../../src/domain/access/grantor.ts";
import type { KeyFields, KeyPatch } from "../../../../src/domain/access/stored-key.ts";
import { type Authority, createAuthority } from "../../../../src/guard/authority/authority.ts";
import { catchApiError } from "../../../support/errors.ts";
import { createTestStorage, type TestStorage } from "../../../support/sql.ts";

const ADMIN: Grantor = { label: "key:0a1b2c3d", scopes: ["admin"] };
const START = "2026-11-30T12:00:00.000Z";
const DAY_MS = 86_400_000;

let storage: TestStorage;
let authority: Authority;

beforeEach(() => {
  storage = createTestStorage(Date.parse(START));
  authority = createAuthority(storage);
});

let made = 0;
function create(fields: Partial<KeyFields> = {}, by = ADMIN): string {
  const id = String(++made).padStart(12, "0");
  authority.createKey(
    { id, sha256: digest(made) },
    { name: "a key", scopes: ["predict"], ...fields },
    by,
  );
  return id;
}

function digest(number: number): string {
  return number.toString(16).padStart(64, "0");
}

const stateOf = (id: string): string | undefined => authority.find([id])[0]?.state;
const digestsOf = (id: string): (string | undefined)[] =>
  (authority.find([id])[0]?.digests ?? []).map(({ sha256 }) => sha256);

describe("createKey", () => {
  it("stores what the key permits, and says when and by whom it was created", () => {
    const fields: KeyFields = {
      name: "search",
      scopes: ["predict", "models:read"],
      models: ["iris-*"],
      limits: { bodyBytes: 1000 },
      rate: { requestsPerMinute: 60 },
      quota: { requestsPerDay: 100, cpuMsPerDay: 5000 },
      concurrency: 4,
      expiresAt: "2027-01-31T01:00:00+01:00",
      owner: "search-team",
      notes: "of the website",
    };
    const identity = { id: "Kq3v0XyWm2Bt", sha256: digest(1) };
    const stored = authority.createKey(identity, fields, ADMIN);
    expect(stored).toEqual({
      ...fields,
      id: "Kq3v0XyWm2Bt",
      expiresAt: "2027-01-31T00:00:00.000Z",
      state: "active",
      createdAt: START,
      createdBy: "key:0a1b2c3d",
      updatedAt: START,
    });
    expect(authority.getKey("Kq3v0XyWm2Bt", ADMIN)).toEqual(stored);
    const { owner: _, notes: __, ...permitted } = fields;
    expect(authority.find(["Kq3v0XyWm2Bt"])).toEqual([
      {
        policy: { ...permitted, id: "Kq3v0XyWm2Bt", expiresAt: "2027-01-31T00:00:00.000Z" },
        state: "active",
        digests: [{ sha256: digest(1) }],
      },
    ]);
  });

  it("stores a key once when it is repeated, and refuses another one of the same id", () => {
    const identity = { id: "Kq3v0XyWm2Bt", sha256: digest(1) };
    const fields: KeyFields = { name: "a", scopes: ["predict"] };
    const first = authority.createKey(identity, fields, ADMIN);
    storage.advance(1000);
    expect(authority.createKey(identity, fields, ADMIN)).toEqual(first);
    expect(authority.listKeys({ limit: 10 }, ADMIN).keys).toHaveLength(1);
    const other = { ...identity, sha256: digest(2) };
    const error = catchApiError("invalid_request", () => authority.createKey(other, fields, ADMIN));
    expect(error.message).toContain("Kq3v0XyWm2Bt");
  });

  it("refuses an expiry that has passed, and says what time it is", () => {
    const error = catchApiError("invalid_request", () => create({ expiresAt: START }));
    expect(error.message).toContain(`it is ${START}`);
  });

  it.each<[string, unknown]>([
    ["name", { name: "", scopes: ["predict"] }],
    ["name", { name: "a".repeat(101), scopes: ["predict"] }],
    ["scopes", { name: "a", scopes: [] }],
    ["scopes", { name: "a", scopes: ["predict", "predict"] }],
    ["scopes.0", { name: "a", scopes: ["Predict"] }],
    ["models", { name: "a", scopes: ["predict"], models: [] }],
    ["models.0", { name: "a", scopes: ["predict"], models: ["Iris"] }],
    ["limits.tokens", { name: "a", scopes: ["predict"], limits: { tokens: 0 } }],
    [
      "rate.requestsPerMinute",
      { name: "a", scopes: ["predict"], rate: { requestsPerMinute: 1.5 } },
    ],
    ["quota", { name: "a", scopes: ["predict"], quota: { requestsPerHour: 1 } }],
    ["concurrency", { name: "a", scopes: ["predict"], concurrency: -1 }],
    ["expiresAt", { name: "a", scopes: ["predict"], expiresAt: "tomorrow" }],
    ["expiresAt", { name: "a", scopes: ["predict"], expiresAt: "2027-02-31T00:00:00Z" }],
    ["", { name: "a", scopes: ["predict"], disabled: true }],
  ])("refuses arguments whose field %j is not valid", (field, fields) => {
    const error = catchApiError("invalid_request", () => create(fields as KeyFields));
    expect(error.details?.field).toBe(field);
    expect(authority.listKeys({ limit: 1 }, ADMIN).keys).toEqual([]);
  });

  it.each([
    { id: "short", sha256: digest(1) },
    { id: "Kq3v0XyWm2Bt", sha256: "abc" },
    { id: "Kq3v0XyWm2B'", sha256: digest(1) },
  ])("refuses the identity %j", (identity) => {
    catchApiError("invalid_request", () =>
      authority.createKey(identity, { name: "a", scopes: ["predict"] }, ADMIN),
    );
  });
});

describe("find", () => {
  it("knows nothing of other ids, whatever they are", () => {
    const id = create();
    const ids = ["000000000000", "", "__proto__", "' OR 1=1 --", id] as const;
    expect(authority.find(ids).map((key) => key?.policy.id)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      id,
    ]);
    expect(authority.find([])).toEqual([]);
  });

  it("refuses more than 100 ids", () => {
    catchApiError("invalid_request", () => authority.find(Array(101).fill("000000000000")));
    catchApiError("invalid_request", () => authority.find("000000000000" as never));
  });

  it("tells the state of a key at the time", () => {
    const id = create({ expiresAt: "2026-11-30T13:00:00Z" });
    expect(stateOf(id)).toBe("active");
    authority.updateKey(id, { disabled: true }, ADMIN);
    expect(stateOf(id)).toBe("disabled");
    authority.updateKey(id, { disabled: false }, ADMIN);
    storage.advance(3_600_000 - 1);
    expect(stateOf(id)).toBe("active");
    storage.advance(1);
    expect(stateOf(id)).toBe("expired");
    authority.updateKey(id, { expiresAt: null }, ADMIN);
    expect(stateOf(id)).toBe("active");
    authority.revokeKey(id, ADMIN);
    expect(stateOf(id)).toBe("revoked");
  });
});

describe("updateKey", () => {
  const full: KeyFields = {
    name: "a",
    scopes: ["predict"],
    models: ["iris-*"],
    limits: { tokens: 10, batch: 5 },
    quota: { requestsPerDay: 100 },
    concurrency: 2,
    owner: "me",
  };

  it.each<[string, KeyPatch, Partial<KeyFields>]>([
    ["nothing", {}, {}],
    ["a field", { name: "b" }, { name: "b" }],
    ["a list as a whole", { scopes: ["explain"] }, { scopes: ["explain"] }],
    ["one limit", { limits: { tokens: 20 } }, { limits: { tokens: 20, batch: 5 } }],
    ["a new budget", { rate: { tokensPerMinute: 7 } }, { rate: { tokensPerMinute: 7 } }],
  ])("changes %s", (_, patch, changed) => {
    const id = create(full);
    const before = authority.getKey(id, ADMIN);
    storage.advance(5000);
    const { after: updated, ...others } = authority.updateKey(id, patch, ADMIN);
    expect(others).toEqual({ before });
    expect(updated).toMatchObject({ ...full, ...changed });
    expect(updated).toMatchObject({ createdAt: START, updatedAt: "2026-11-30T12:00:05.000Z" });
    expect(authority.getKey(id, ADMIN)).toEqual(updated);
  });

  it.each<[string, KeyPatch, keyof KeyFields]>([
    ["models", { models: null }, "models"],
    ["limits", { limits: null }, "limits"],
    ["the last quota", { quota: { requestsPerDay: null } }, "quota"],
    ["concurrency", { concurrency: null }, "concurrency"],
    ["the owner", { owner: null }, "owner"],
  ])("removes %s", (_, patch, field) => {
    const id = create(full);
    expect(authority.updateKey(id, patch, ADMIN).after).not.toHaveProperty(field);
    expect(authority.find([id])[0]?.policy).not.toHaveProperty(field);
  });

  it("removes one limit of several", () => {
    const id = create(full);
    const { limits } = authority.updateKey(id, { limits: { tokens: null } }, ADMIN).after;
    expect(limits).toEqual({ batch: 5 });
  });

  it.each<[string, unknown]>([
    ["a name without a text", { name: null }],
    ["scopes without any", { scopes: null }],
    ["an unknown field", { id: "000000000000" }],
    ["a prototype", JSON.parse('{"__proto__": {"scopes": ["admin"]}}')],
    ["a state", { state: "active" }],
  ])("refuses %s, and changes nothing", (_, patch) => {
    const id = create(full);
    const before = authority.getKey(id, ADMIN);
    storage.advance(1000);
    catchApiError("invalid_request", () => authority.updateKey(id, patch as KeyPatch, ADMIN));
    expect(authority.getKey(id, ADMIN)).toEqual(before);
  });

  it("changes other fields of a key that has expired", () => {
    const id = create({ expiresAt: "2026-11-30T13:00:00Z" });
    storage.advance(DAY_MS);
    expect(authority.updateKey(id, { notes: "seen" }, ADMIN).after).toMatchObject({
      notes: "seen",
      state: "expired",
    });
    catchApiError("invalid_request", () =>
      authority.updateKey(id, { expiresAt: "2026-11-30T14:00:00Z" }, ADMIN),
    );
  });
});

describe("rotateKey", () => {
  it("accepts the secret before until the overlap ends, and the new one from then on", () => {
    const id = create();
    const [before] = digestsOf(id);
    storage.advance(1000);
    const { after: rotated } = authority.rotateKey({ id, sha256: "a".repeat(64) }, 60, ADMIN);
    expect(rotated).toMatchObject({
      rotatedAt: "2026-11-30T12:00:01.000Z",
      overlapEndsAt: "2026-11-30T12:01:01.000Z",
    });
    expect(authority.find([id])[0]?.digests).toEqual([
      { sha256: "a".repeat(64) },
      { sha256: before, expiresAt: Date.parse("2026-11-30T12:01:01Z") },
    ]);
    storage.advance(59_999);
    expect(digestsOf(id)).toHaveLength(2);
    storage.advance(1);
    expect(digestsOf(id)).toEqual(["a".repeat(64)]);
    expect(authority.getKey(id, ADMIN)).not.toHaveProperty("overlapEndsAt");
  });

  it("ends the secret before at once without an overlap", () => {
    const id = create();
    const { after: rotated } = authority.rotateKey({ id, sha256: "b".repeat(64) }, 0, ADMIN);
    expect(rotated).not.toHaveProperty("overlapEndsAt");
    expect(digestsOf(id)).toEqual(["b".repeat(64)]);
  });

  it("keeps a secret that is in use when it is rotated twice, but never longer than was said", () => {
    const id = create();
    const [first] = digestsOf(id);
    authority.rotateKey({ id, sha256: "c".repeat(64) }, 60, ADMIN);
    storage.advance(30_000);
    authority.rotateKey({ id, sha256: "d".repeat(64) }, 600, ADMIN);
    expect(digestsOf(id)).toEqual(["d".repeat(64), "c".repeat(64), first]);
    storage.advance(30_000);
    expect(digestsOf(id)).toEqual(["d".repeat(64), "c".repeat(64)]);
    authority.rotateKey({ id, sha256: "e".repeat(64) }, 0, ADMIN);
    expect(digestsOf(id)).toEqual(["e".repeat(64)]);
  });

  it("has one effect when it is repeated", () => {
    const id = create();
    const rotation = [{ id, sha256: "f".repeat(64) }, 60, ADMIN] as const;
    const { after } = authority.rotateKey(...rotation);
    storage.advance(1000);
    expect(authority.rotateKey(...rotation)).toEqual({ before: after, after });
  });

  it.each([-1, 1.5, 2_592_001, Number.NaN, "60"])("refuses an overlap of %j", (overlap) => {
    const id = create();
    catchApiError("invalid_request", () =>
      authority.rotateKey({ id, sha256: digest(0) }, overlap as number, ADMIN),
    );
    expect(digestsOf(id)).toHaveLength(1);
  });
});

describe("revokeKey", () => {
  it("removes the digests and keeps the rest, for good", () => {
    const id = create({ owner: "me" });
    authority.rotateKey({ id, sha256: "1".repeat(64) }, 60, ADMIN);
    storage.advance(1000);
    const { after: revoked } = authority.revokeKey(id, ADMIN);
    expect(revoked).toMatchObject({
      state: "revoked",
      revokedAt: "2026-11-30T12:00:01.000Z",
      owner: "me",
    });
    expect(revoked).not.toHaveProperty("overlapEndsAt");
    expect(digestsOf(id)).toEqual([]);
    expect([...storage.sql.exec("SELECT * FROM key_digests WHERE key_id = ?", id)]).toEqual([]);
    storage.advance(1000);
    expect(authority.revokeKey(id, ADMIN)).toEqual({ before: revoked, after: revoked });
    for (const change of [
      () => authority.updateKey(id, { disabled: false }, ADMIN),
      () => authority.rotateKey({ id, sha256: "2".repeat(64) }, 0, ADMIN),
    ])
      expect(catchApiError("key_revoked", change).message).toContain(id);
    expect(digestsOf(id)).toEqual([]);
  });

  it("of a key that there is not is told", () => {
    catchApiError("key_not_found", () => authority.revokeKey("000000000000", ADMIN));
  });
});

describe("listKeys", () => {
  it("has all keys in pages, newest first, each once", () => {
    const ids = Array.from({ length: 25 }, () => create());
    const listed: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = authority.listKeys({ limit: 10, cursor }, ADMIN);
      listed.push(...page.keys.map(({ id }) => id));
      cursor = page.cursor;
      if (++pages === 1) create();
    } while (cursor !== undefined && pages < 10);
    expect(pages).toBe(3);
    expect(listed).toEqual(ids.toReversed());
  });

  it("finds all of those that are asked for, among any number of others", () => {
    const wanted = Array.from({ length: 3 }, () => {
      for (let other = 0; other < 900; other++) create();
      return create({ scopes: ["explain"] });
    });
    const by: Grantor = { label: "a", scopes: ["keys", "explain"] };
    const found: string[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = authority.listKeys({ limit: 2, cursor }, by);
      found.push(...page.keys.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined && ++pages < 5);
    expect(found).toEqual(wanted.toReversed());
  });

  it("ends with a page that is full", () => {
    create();
    create();
    expect(authority.listKeys({ limit: 2 }, ADMIN)).not.toHaveProperty("cursor");
  });

  it("selects by state and owner", () => {
    const mine = create({ owner: "me" });
    const yours = create({ owner: "you" });
    authority.updateKey(mine, { disabled: true }, ADMIN);
    const idsOf = (query: object): string[] =>
      authority.listKeys({ limit: 10, ...query }, ADMIN).keys.map(({ id }) => id);
    expect(idsOf({ owner: "me" })).toEqual([mine]);
    expect(idsOf({ state: "active" })).toEqual([yours]);
    expect(idsOf({ state: "disabled", owner: "you" })).toEqual([]);
    expect(idsOf({ owner: "' OR 1=1 --" })).toEqual([]);
  });

  it.each([{ limit: 0 }, { limit: 1001 }, { limit: 1, cursor: "a" }, { limit: 1, state: "gone" }])(
    "refuses the query %j",
    (query) => {
      catchApiError("invalid_request", () => authority.listKeys(query as never, ADMIN));
    },
  );
});

describe("a grantor that has less than everything", () => {
  const team: Grantor = {
    label: "key:team",
    scopes: ["keys", "predict"],
    models: ["team-*"],
    bounds: { quota: { requestsPerDay: 100 }, expiresAt: "2026-12-31T00:00:00Z" },
  };
  const own: Partial<KeyFields> = {
    models: ["team-a"],
    quota: { requestsPerDay: 100 },
    expiresAt: "2026-12-30T00:00:00Z",
  };

  it("gives what it has, and nothing more", () => {
    create(own, team);
    for (const beyond of [
      { scopes: ["predict", "admin"] as const },
      { models: undefined },
      { models: ["*"] },
      { quota: {} },
      { quota: { requestsPerDay: 101 } },
      { expiresAt: undefined },
      { expiresAt: "2026-12-31T00:00:01Z" },
    ])
      catchApiError("forbidden", () => create({ ...own, ...beyond } as KeyFields, team));
  });

  it("sees and changes no key that has more", () => {
    const mine = create(own, team);
    const powerful = create({ ...own, scopes: ["admin"] });
    const foreign = create({ ...own, models: ["other-a"] });
    expect(authority.listKeys({ limit: 10 }, team).keys.map(({ id }) => id)).toEqual([mine]);
    for (const id of [powerful, foreign])
      for (const attempt of [
        () => authority.getKey(id, team),
        () => authority.updateKey(id, { disabled: true }, team),
        () => authority.rotateKey({ id, sha256: digest(0) }, 0, team),
        () => authority.revokeKey(id, team),
      ])
        catchApiError("forbidden", attempt);
    expect(stateOf(powerful)).toBe("active");
    expect(stateOf(foreign)).toBe("active");
  });

  it("raises nothing by a change", () => {
    const mine = create(own, team);
    for (const patch of [
      { models: null },
      { quota: null },
      { quota: { requestsPerDay: null } },
      { quota: { requestsPerDay: 1000 } },
      { expiresAt: null },
      { scopes: ["models:write"] },
    ] satisfies KeyPatch[])
      catchApiError("forbidden", () => authority.updateKey(mine, patch, team));
    expect(authority.updateKey(mine, { quota: { requestsPerDay: 10 } }, team)).toMatchObject({
      before: { quota: { requestsPerDay: 100 } },
      after: { quota: { requestsPerDay: 10 } },
    });
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["no scopes", { label: "a" }],
    ["a scope that there is not", { label: "a", scopes: ["root"] }],
    ["a bound that is no number", { label: "a", scopes: ["admin"], bounds: { concurrency: "1" } }],
  ])("is refused with %s", (_, by) => {
    catchApiError("invalid_request", () => authority.getKey(create(), by as Grantor));
  });
});

describe("a grantor that is an API key", () => {
  const known: Grantor = { label: "key:a", scopes: ["keys", "predict"] };
  let by: Grantor;

  beforeEach(() => {
    by = { ...known, key: create({ scopes: ["keys", "predict"] }) };
  });

  it.each<[string, (key: string) => void]>([
    ["revoked", (key) => void authority.revokeKey(key, ADMIN)],
    ["disabled", (key) => void authority.updateKey(key, { disabled: true }, ADMIN)],
    [
      "expired",
      (key) => {
        authority.updateKey(key, { expiresAt: "2026-11-30T12:00:01Z" }, ADMIN);
        storage.advance(1000);
      },
    ],
  ])("and is %s since an isolate asked makes itself no other one", (state, end) => {
    const other = create();
    end(String(by.key));
    for (const attempt of [
      () => create({}, by),
      () => authority.listKeys({ limit: 1 }, by),
      () => authority.getKey(other, by),
      () => authority.updateKey(other, { disabled: true }, by),
      () => authority.rotateKey({ id: other, sha256: digest(0) }, 0, by),
      () => authority.revokeKey(other, by),
    ])
      expect(catchApiError("unauthorized", attempt).message).toContain(state);
    expect(stateOf(other)).toBe("active");
  });

  it("has what it has now, and not what an isolate knew of it", () => {
    create({}, by);
    authority.updateKey(String(by.key), { scopes: ["keys"], quota: { requestsPerDay: 5 } }, ADMIN);
    catchApiError("forbidden", () => create({}, by));
    catchApiError("forbidden", () => create({ scopes: ["keys"] }, by));
    create({ scopes: ["keys"], quota: { requestsPerDay: 5 } }, by);
  });

  it("that there is not is refused", () => {
    catchApiError("unauthorized", () => create({}, { ...known, key: "999999999999" }));
  });
});

it("a key has what isolates have reported of its quotas today", () => {
  const id = create({ quota: { requestsPerDay: 100, tokensPerDay: 1000 }, concurrency: 5 });
  expect(authority.getKey(id, ADMIN)).not.toHaveProperty("usage");
  const claims = { budget: "requests-per-day", needs: 1, wants: 10 } as const;
  const lease = (sequence: number, rest: object): unknown =>
    authority.lease({ isolate: "a", sequence, key: id, claims: [{ ...claims, ...rest } as never] });
  lease(1, { used: 0, keeps: 0 });
  const window = Math.floor(storage.now() / DAY_MS);
  lease(2, { window, used: 7, keeps: 10 });
  expect(authority.getKey(id, ADMIN).usage).toEqual({ requestsPerDay: 7 });
  expect(authority.listKeys({ limit: 1 }, ADMIN).keys[0]?.usage).toEqual({ requestsPerDay: 7 });
  storage.advance(DAY_MS / 2);
  expect(authority.getKey(id, ADMIN)).not.toHaveProperty("usage");
});

import { describe, expect, test } from "vitest";
import { createChainVerifier } from "../../../../src/domain/audit/audit-chain.ts";
import { hashOf, NO_HASH, toHashedText } from "../../../../src/domain/audit/audit-entry.ts";

/** By Python: hashlib.sha256 of json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False). */
const DETAILS_HASHES = [
  "dd9bb898e9a7b49596b72a11c3ae842fe552b99a45effa11baa7feaf5e7307c8",
  "a990f0ee2a6bc24be7d667f96d92348de0b6bf70129f1c915acd74d5d793120c",
] as const;
const HASHES = [
  "4c4766c1535699ee0107ab9ab5a096f37809c2fc0118a5249a21b295ba880dc8",
  "4e361b6ef715c21f148df913e35e03dbcd1d41056a2796481a21fa2e743ba966",
  "397950f1dae78fe45e5c73a7e4acc12fd1a55580d94334ac63f0ffc7b43d5d87",
  "a30e2d4d6905b6ceb7ffe5e13f806571e9d2512dbe62e61120ca97f8e2d02b07",
] as const;
const SUBJECT = {
  operation: "setAlias",
  by: "key:1f0c2a9b",
  requestId: "r-1",
  target: { model: "iris", alias: "production" },
  change: "00112233aabbccdd",
};
const SPLIT = [
  { version: "1", weight: 90 },
  { version: "2", weight: 10.5 },
];
const ENTRIES = [
  {
    ...SUBJECT,
    seq: 1,
    at: "2026-11-30T18:00:00.000Z",
    phase: "begun",
    detailsHash: DETAILS_HASHES[0],
    previous: NO_HASH,
    hash: HASHES[0],
    details: {
      actor: "Ada Lovelace é",
      request: { split: { 1: 90, 2: 10.5 }, note: 'a "quote"\n€' },
    },
    salt: "00ff",
  },
  {
    ...SUBJECT,
    seq: 2,
    at: "2026-11-30T18:00:01.000Z",
    phase: "done",
    detailsHash: DETAILS_HASHES[1],
    previous: HASHES[0],
    hash: HASHES[1],
    details: {
      before: { production: null, revision: 0 },
      after: { production: { split: SPLIT }, revision: 1 },
    },
    salt: "11ee",
  },
  {
    seq: 3,
    at: "2026-11-30T18:00:01.000Z",
    change: "ffee",
    phase: "begun",
    operation: "deleteVersion",
    by: "key:1f0c2a9b",
    previous: HASHES[1],
    hash: HASHES[2],
  },
] as const;
const ERASURE = {
  seq: 4,
  at: "2026-11-30T18:00:02.000Z",
  change: "eedd",
  phase: "done",
  operation: "eraseAudit",
  by: "authority",
  erases: [1, 2],
  previous: HASHES[2],
  hash: HASHES[3],
} as const;

async function verify(entries: readonly unknown[], kept: { seq: number; hash: string }[] = []) {
  const verifier = createChainVerifier(kept);
  for (const entry of entries) await verifier.add(entry);
  return verifier.end();
}

const problemsOf = async (...given: Parameters<typeof verify>) =>
  (await verify(...given)).problems.map(({ seq, problem }) => `${seq}: ${problem}`);

test("a chain whose hashes another program has computed is right, and tells the change without an end", async () => {
  expect(await verify(ENTRIES, [{ seq: 2, hash: HASHES[1] }])).toEqual({
    head: { seq: 3, hash: HASHES[2] },
    problems: [],
    open: [
      { seq: 3, at: "2026-11-30T18:00:01.000Z", operation: "deleteVersion", by: "key:1f0c2a9b" },
    ],
    erased: 0,
  });
});

test("fields in another order have the same hash", async () => {
  const reversed = ENTRIES.map((entry) => Object.fromEntries(Object.entries(entry).reverse()));
  expect(await problemsOf(reversed)).toEqual([]);
});

test("a chain without entries is right, and one that had entries is not", async () => {
  expect(await verify([])).toEqual({
    head: { seq: 0, hash: NO_HASH },
    problems: [],
    open: [],
    erased: 0,
  });
  expect(await verify([], [{ seq: 0, hash: NO_HASH }])).toMatchObject({ problems: [] });
  expect(await problemsOf([], [{ seq: 3, hash: HASHES[2] }])).toEqual([
    "3: it existed before, and the entries from 1 on are missing",
  ]);
});

function withoutDetails({ details: _, salt: __, ...entry }: (typeof ENTRIES)[0 | 1]) {
  return { ...entry, erased: true };
}

test("a chain whose details were erased is right, if a later entry says so", async () => {
  const [first, second, third] = ENTRIES;
  const erased = [withoutDetails(first), withoutDetails(second), third];
  expect(await verify([...erased, ERASURE])).toMatchObject({ problems: [], erased: 2 });
  expect(await problemsOf(erased)).toEqual([
    "1: its details are missing, and no later entry has erased them",
    "2: its details are missing, and no later entry has erased them",
  ]);
});

describe("an attack on the chain is found:", () => {
  const [first, second, third] = ENTRIES;

  test("another value in an entry", async () => {
    const changed = { ...second, by: "key:00000000" };
    expect(await problemsOf([first, changed, third])).toEqual([
      "2: its content does not have its hash: one of the two was changed",
    ]);
  });

  test("other details, also with another salt", async () => {
    for (const changes of [{ salt: "11ef" }, { details: { ...second.details, after: {} } }])
      expect(await problemsOf([first, { ...second, ...changes }, third])).toEqual([
        "2: its details do not have their hash: they were changed",
      ]);
    const { salt: _, ...unsalted } = second;
    expect(await problemsOf([first, unsalted, third])).toHaveLength(1);
    expect(await problemsOf([first, second, { ...third, details: { actor: "Eve" } }])).toEqual([
      "3: it has details that it never had",
    ]);
  });

  test("a field more, also one that no entry has", async () => {
    expect(await problemsOf([first, { ...second, extra: 1 }, third])).toHaveLength(1);
  });

  test("another value with a new hash", async () => {
    const { hash: _, ...fields } = { ...second, by: "key:00000000" };
    const forged = { ...fields, hash: await hashOf(toHashedText(fields)) };
    expect(await problemsOf([first, forged, third])).toEqual([
      "3: it does not have the hash of entry 2: one of the two was changed",
    ]);
    // All hashes after it written again: only a head that was kept before tells.
    const { hash: __, ...last } = { ...third, previous: forged.hash };
    const rewritten = [first, forged, { ...last, hash: await hashOf(toHashedText(last)) }];
    expect(await problemsOf(rewritten)).toEqual([]);
    expect(await problemsOf(rewritten, [{ seq: 3, hash: HASHES[2] }])).toEqual([
      `3: it had the hash ${HASHES[2]} before, and has another one now`,
    ]);
  });

  test("an entry less at the beginning, in the middle and at the end", async () => {
    expect(await problemsOf([second, third])).toEqual([
      "2: the entries 1 to 1 before it are missing",
    ]);
    expect(await problemsOf([first, third])).toEqual([
      "3: the entries 2 to 2 before it are missing",
    ]);
    expect(await problemsOf([first, second], [{ seq: 3, hash: HASHES[2] }])).toEqual([
      "3: it existed before, and the entries from 3 on are missing",
    ]);
  });

  test("entries in another order, and twice", async () => {
    expect(await problemsOf([first, third, second])).toEqual([
      "3: the entries 2 to 2 before it are missing",
      "2: it comes after entry 3",
    ]);
    expect(await problemsOf([first, first, second])).toEqual(["1: it comes after entry 1"]);
  });

  test("an entry that is none any longer, without problems of those after it", async () => {
    const damaged = { seq: 2, hash: HASHES[1], damaged: true };
    expect(await problemsOf([first, damaged, third])).toEqual([
      "2: it was changed, and is no entry any longer",
    ]);
    for (const value of [null, "text", [], { seq: 2 }])
      expect((await problemsOf([first, value]))[0]).toContain("2: it was changed");
  });
});

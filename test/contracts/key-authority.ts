import { beforeEach, expect, test } from "vitest";
import { generateKeyId } from "../../src/domain/access/api-key.ts";
import type { Grantor } from "../../src/domain/access/grantor.ts";
import type { KeyAuthority } from "../../src/domain/access/key-authority.ts";
import type { KeyFields, KeyIdentity } from "../../src/domain/access/stored-key.ts";

const BY: Grantor = { label: "key:12345678", scopes: ["admin"] };
const FIELDS: KeyFields = { name: "a client", scopes: ["predict"] };
const DAY_MS = 86_400_000;

/** What every {@link KeyAuthority} does, wherever it is. Keys of earlier tests may be in it. */
export function testKeyAuthority(create: () => Promise<KeyAuthority>): void {
  let authority: KeyAuthority;

  beforeEach(async () => {
    authority = await create();
  });

  async function add(fields: Partial<KeyFields> = {}): Promise<KeyIdentity> {
    const identity = newIdentity();
    await authority.createKey(identity, { ...FIELDS, ...fields }, BY);
    return identity;
  }

  test("a key is found with its digest and what it permits, and no other is", async () => {
    const { id, sha256 } = await add({ models: ["iris-*"], owner: "a team", notes: "a note" });
    const unknown = generateKeyId();
    expect(await authority.find([unknown, id])).toEqual([
      undefined,
      {
        policy: { id, ...FIELDS, models: ["iris-*"] },
        state: "active",
        digests: [{ sha256 }],
      },
    ]);
    expect(await authority.getKey(id, BY)).toMatchObject({
      id,
      owner: "a team",
      notes: "a note",
      createdBy: BY.label,
    });
  });

  test("the same creation can be repeated, and another one of the same id is refused", async () => {
    const identity = await add();
    await authority.createKey(identity, FIELDS, BY);
    const other = { ...identity, sha256: newIdentity().sha256 };
    await expect(authority.createKey(other, FIELDS, BY)).rejects.toMatchObject({
      code: "invalid_request",
    });
  });

  test("a change is used, and null removes a field", async () => {
    const { id } = await add({ quota: { requestsPerDay: 5, tokensPerDay: 9 } });
    const patch = { name: "another", quota: { tokensPerDay: null }, disabled: true };
    const { before, after } = await authority.updateKey(id, patch, BY);
    expect([before.name, after.name]).toEqual(["a client", "another"]);
    const [found] = await authority.find([id]);
    expect(found).toMatchObject({
      policy: { name: "another", quota: { requestsPerDay: 5 } },
      state: "disabled",
    });
    expect(found?.policy.quota).not.toHaveProperty("tokensPerDay");
  });

  test("a rotation adds a digest, and the one before ends with the overlap", async () => {
    const { id, sha256: before } = await add();
    const { sha256 } = newIdentity();
    await authority.rotateKey({ id, sha256 }, 86_400, BY);
    const [found] = await authority.find([id]);
    const byDigest = new Map(found?.digests.map((digest) => [digest.sha256, digest.expiresAt]));
    expect([...byDigest.keys()].sort()).toEqual([before, sha256].sort());
    expect(byDigest.get(sha256)).toBeUndefined();
    expect(byDigest.get(before)).toBeLessThanOrEqual(Date.now() + DAY_MS + 60_000);
    expect(byDigest.get(before)).toBeGreaterThan(Date.now() + DAY_MS - 60_000);
  });

  test("a revoked key has no digest any more and cannot be changed", async () => {
    const { id } = await add();
    await authority.revokeKey(id, BY);
    await authority.revokeKey(id, BY);
    expect(await authority.find([id])).toMatchObject([{ state: "revoked", digests: [] }]);
    await expect(authority.updateKey(id, { name: "again" }, BY)).rejects.toMatchObject({
      code: "key_revoked",
    });
  });

  test("nobody gives more than he has", async () => {
    const by: Grantor = { label: "key:k", scopes: ["keys", "predict"], models: ["iris-*"] };
    const fields: KeyFields = { ...FIELDS, scopes: ["metrics"], models: ["iris-1"] };
    await expect(authority.createKey(newIdentity(), fields, by)).rejects.toMatchObject({
      code: "forbidden",
    });
    await expect(authority.createKey(newIdentity(), FIELDS, by)).rejects.toMatchObject({
      code: "forbidden",
    });
  });

  test("an id that no key has is none", async () => {
    await expect(authority.getKey(generateKeyId(), BY)).rejects.toMatchObject({
      code: "key_not_found",
    });
  });

  test("slices of a budget are never more than the budget, and what is returned is free again", async () => {
    const { id } = await add({ quota: { requestsPerDay: 10 } });
    const lease = (isolate: string, sequence: number, needs: number, keeps: number) =>
      authority.lease({
        isolate,
        sequence,
        key: id,
        claims: [
          {
            budget: "requests-per-day",
            window: windowOf.get(isolate),
            used: 0,
            keeps,
            needs,
            wants: needs,
          },
        ],
      });
    const windowOf = new Map<string, number>();
    const take = async (isolate: string, sequence: number, needs: number, keeps = 0) => {
      const { grants } = await lease(isolate, sequence, needs, keeps);
      const [grant] = grants;
      if (grant) windowOf.set(isolate, grant.window);
      return grant?.granted ?? 0;
    };
    const first = await take("one", 1, 6);
    const second = await take("two", 1, 6);
    expect(first).toBeGreaterThan(0);
    expect(first + second).toBeLessThanOrEqual(10);
    expect(await take("one", 2, 0, 0)).toBe(0);
    const again = await take("two", 2, 6, second);
    expect(again).toBeGreaterThan(second);
    expect(again).toBeLessThanOrEqual(10);
  });

  test("entries of the audit log follow one another", async () => {
    const { seq, hash } = await authority.auditHead();
    const record = {
      change: crypto.randomUUID(),
      phase: "begun",
      operation: "purgeCache",
      by: BY.label,
    } as const;
    const head = await authority.appendAudit(record);
    expect(head.seq).toBe(seq + 1);
    expect(head.hash).not.toBe(hash);
    expect(await authority.appendAudit(record)).toEqual(head);
    const { entries } = await authority.readAudit({ after: seq, limit: 10 });
    expect(entries).toMatchObject([{ seq: head.seq, hash: head.hash, operation: "purgeCache" }]);
  });

  test("an erased key leaves nothing", async () => {
    const { id } = await add({ owner: "somebody", notes: "to be erased" });
    expect(JSON.stringify(await authority.exportKey(id))).toContain("to be erased");
    expect(await authority.eraseKey(id)).toBeGreaterThan(0);
    expect(await authority.eraseKey(id)).toBe(0);
    expect(await authority.find([id])).toEqual([undefined]);
    expect(JSON.stringify(await authority.exportKey(id))).not.toContain("to be erased");
  });
}

/** Of no key: the authority never sees one. */
function newIdentity(): KeyIdentity {
  const sha256 = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex");
  return { id: generateKeyId(), sha256 };
}

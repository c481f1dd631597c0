import {
  createHash,
  createHmac,
  createPublicKey,
  hkdfSync,
  randomBytes,
  verify,
} from "node:crypto";
import { compactVerify, importJWK } from "jose";
import { describe, expect, test } from "vitest";
import type { ErasureReceipt } from "../../../src/domain/erasure-receipt.ts";
import { requestHash } from "../../../src/domain/request-hash.ts";
import { createCursors } from "../../../src/privacy/cursors.ts";
import { derivePrivacyKey } from "../../../src/privacy/privacy-keys.ts";
import { createReceiptSigner } from "../../../src/privacy/receipt-signer.ts";
import { createSubjects } from "../../../src/privacy/subject-hashes.ts";
import { rejectedApiError } from "../../support/errors.ts";

/** Expected values are those of node:crypto and of jose. */

const secret = new Uint8Array(randomBytes(32));

function derived(info: string): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, new Uint8Array(), info, 32));
}

const receipt: ErasureReceipt = {
  schemaVersion: 1,
  id: "6a7b0a4e-58c2-4c4a-9e55-0f2f1a4f8f11",
  selector: { kind: "subject", value: "0".repeat(32) },
  startedAt: "2026-11-30T00:00:00.000Z",
  issuedAt: "2026-11-30T00:00:01.000Z",
  complete: true,
  stores: [{ name: "captures", erased: 3, complete: true }],
};

describe("keys", () => {
  test.each([
    ["subjects", "onnxflare privacy: hashes of subjects"],
    ["captures", "onnxflare privacy: encryption of captures"],
    ["receipts", "onnxflare privacy: signature of receipts"],
    ["cursors", "onnxflare privacy: cursors of erasures"],
  ] as const)("that of %s is derived by HKDF, apart from the others", async (purpose, info) => {
    expect(Buffer.from(await derivePrivacyKey(secret, purpose))).toEqual(derived(info));
  });
});

test("the hash of a subject is HMAC-SHA-256 by a derived key", async () => {
  const key = derived("onnxflare privacy: hashes of subjects");
  const expected = createHmac("sha256", key).update("user-42").digest("hex").slice(0, 32);
  const subjects = createSubjects(secret);
  expect(await subjects.hash("user-42")).toBe(expected);
  expect(await createSubjects(new Uint8Array(randomBytes(32))).hash("user-42")).not.toBe(expected);
});

test("the hash of a request id is the beginning of its SHA-256", async () => {
  const expected = createHash("sha256").update("one").digest("hex").slice(0, 32);
  expect(await requestHash("one")).toBe(expected);
});

describe("a receipt", () => {
  test("is verified by jose, with the public key", async () => {
    const signer = createReceiptSigner(secret);
    const key = await signer.key();
    const { payload, protectedHeader } = await compactVerify(
      await signer.sign(receipt),
      await importJWK(key),
    );
    expect(JSON.parse(String(Buffer.from(payload)))).toEqual(receipt);
    expect(protectedHeader).toEqual({ alg: "EdDSA", kid: key.kid, typ: "erasure-receipt+jws" });
  });

  test("is verified by node:crypto, and no other is with its signature", async () => {
    const signer = createReceiptSigner(secret);
    const key = createPublicKey({ key: { ...(await signer.key()) }, format: "jwk" });
    const [header = "", payload = "", signature = ""] = (await signer.sign(receipt)).split(".");
    const isValid = (text: string): boolean =>
      verify(null, Buffer.from(`${header}.${text}`), key, Buffer.from(signature, "base64url"));
    expect(isValid(payload)).toBe(true);
    const changed = { ...receipt, stores: [] };
    expect(isValid(Buffer.from(JSON.stringify(changed)).toString("base64url"))).toBe(false);
  });

  test("of another secret has another key", async () => {
    const { kid } = await createReceiptSigner(secret).key();
    expect((await createReceiptSigner(secret).key()).kid).toBe(kid);
    expect((await createReceiptSigner(new Uint8Array(randomBytes(32))).key()).kid).not.toBe(kid);
  });
});

describe("a cursor", () => {
  const state = { selector: { kind: "key", value: "abc" }, texts: ["\u00e4\u{1f600}", ""] };

  test("comes back as it was", async () => {
    const sealed = await createCursors(secret, "erasure").seal(state);
    expect(await createCursors(secret, "erasure").open(sealed)).toEqual(state);
  });

  test("that was changed, cut off, or made for something else is refused", async () => {
    const cursors = createCursors(secret, "erasure");
    const sealed = await cursors.seal(state);
    const [payload = "", mac = ""] = sealed.split("~");
    const forged = Buffer.from(JSON.stringify({ ...state, complete: true })).toString("base64url");
    const others = [
      await createCursors(secret, "export").seal(state),
      await createCursors(new Uint8Array(randomBytes(32)), "erasure").seal(state),
    ];
    for (const text of [
      payload,
      `${payload}~`,
      `${forged}~${mac}`,
      `${sealed}~${mac}`,
      "",
      ...others,
    ])
      await rejectedApiError("invalid_request", cursors.open(text));
  });
});

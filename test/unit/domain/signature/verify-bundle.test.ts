import { describe, expect, test } from "vitest";
import {
  checkSignedFiles,
  signedFilesOf,
} from "../../../../src/domain/signature/manifest-signature.ts";
import {
  parsePublicKeys,
  SIGNING_ALGORITHMS,
} from "../../../../src/domain/signature/public-key.ts";
import { SignatureError } from "../../../../src/domain/signature/signature-error.ts";
import { toVerifyingKey, verifyBundle } from "../../../../src/domain/signature/verify-bundle.ts";
import { type BundleJson, readSignatureFixture } from "../../../support/signatures.ts";

const { manifestText, files, keys, bundles, invalid } = readSignatureFixture();
const EXPECTED = await signedFilesOf(manifestText, files);
const ALL_KEYS = await verifyingKeys(
  Object.values(keys)
    .map(({ publicPem }) => publicPem)
    .join(""),
);

async function verifyingKeys(text: string) {
  return Promise.all(parsePublicKeys(text).map(toVerifyingKey));
}

function changed(change: (bundle: BundleJson) => void, of = bundles.ed25519): BundleJson {
  const bundle = structuredClone(of);
  change(bundle);
  return bundle;
}

async function problem(bundle: unknown, verifying = ALL_KEYS): Promise<string> {
  const error: unknown = await verifyBundle(bundle, verifying).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SignatureError);
  return (error as SignatureError).message;
}

function edit(base64: string, change: (bytes: Buffer) => void): string {
  const bytes = Buffer.from(base64, "base64");
  change(bytes);
  return bytes.toString("base64");
}

describe("a bundle that Python has signed", () => {
  test.each(SIGNING_ALGORITHMS)("with a key of %s is verified, with the files", async (name) => {
    const signed = await verifyBundle(bundles[name], ALL_KEYS);
    expect(signed.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual(
      EXPECTED.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
    );
    expect(() => checkSignedFiles(EXPECTED, signed)).not.toThrow();
  });

  test("is verified when it has the key instead of its hint, as bundles before version 1.1", async () => {
    const rawBytes = Buffer.from(keys.p384.publicPem).toString("base64");
    const old = changed((bundle) => {
      bundle.verificationMaterial.publicKey = { rawBytes };
      for (const signature of bundle.dsseEnvelope.signatures) signature.keyid = null;
    }, bundles.p384);
    expect(await verifyBundle(old, ALL_KEYS)).toHaveLength(EXPECTED.length);
  });

  test("is verified without a hint when there is one key", async () => {
    const bundle = changed(({ verificationMaterial }) => {
      verificationMaterial.publicKey = { hint: null };
    });
    const only = await verifyingKeys(keys.ed25519.publicPem);
    expect(await verifyBundle(bundle, only)).toHaveLength(EXPECTED.length);
    expect(await problem(bundle)).toBe("it names no key");
  });

  test.each(SIGNING_ALGORITHMS)(
    "with a key of %s is refused when a bit was changed",
    async (name) => {
      const refused = `what it signs was changed, or it is not of the key ${keys[name].hint}`;
      const ofPayload = changed(({ dsseEnvelope }) => {
        dsseEnvelope.payload = edit(dsseEnvelope.payload, (bytes) => {
          bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
        });
      }, bundles[name]);
      expect(await problem(ofPayload)).toBe(refused);
      const ofSignature = changed(({ dsseEnvelope: { signatures } }) => {
        for (const signature of signatures)
          signature.sig = edit(signature.sig, (bytes) => {
            bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
          });
      }, bundles[name]);
      expect(await problem(ofSignature)).toBe(refused);
    },
  );

  test("is refused under the name of another key", async () => {
    const bundle = changed(({ verificationMaterial }) => {
      verificationMaterial.publicKey = { hint: keys.p256.hint };
    });
    // An Ed25519 signature is no DER.
    expect(await problem(bundle)).toBe("its ECDSA signature is not DER");
    const other = changed(({ verificationMaterial }) => {
      verificationMaterial.publicKey = { hint: keys.p384.hint };
    }, bundles.p256);
    expect(await problem(other)).toContain("it is not of the key");
  });

  test("is refused without its key, with the ids of both", async () => {
    expect(await problem(bundles.p256, await verifyingKeys(keys.ed25519.publicPem))).toBe(
      `it is of the key ${keys.p256.hint}, and those that count are ${keys.ed25519.hint}`,
    );
  });
});

describe("a bundle is refused when", () => {
  test.each(Object.keys(invalid))("its statement is signed, but has %s", async (name) => {
    expect(await problem(invalid[name])).toMatch(/statement/);
  });

  test.each<[string, (bundle: BundleJson) => void, string]>([
    [
      "it is of another media type",
      (bundle) => {
        bundle.mediaType = "application/json";
      },
      "mediaType",
    ],
    [
      "it was made with a certificate",
      ({ verificationMaterial }) => {
        delete verificationMaterial.publicKey;
      },
      "made with a certificate",
    ],
    [
      "its payload is of another type",
      ({ dsseEnvelope }) => {
        dsseEnvelope.payloadType = "text/plain";
      },
      "dsseEnvelope.payloadType",
    ],
    [
      "it has no signature",
      ({ dsseEnvelope }) => {
        dsseEnvelope.signatures = [];
      },
      "dsseEnvelope.signatures",
    ],
    [
      "its payload is not base64",
      ({ dsseEnvelope }) => {
        dsseEnvelope.payload = "{}";
      },
      "the payload of its bundle is not base64",
    ],
    [
      "its key is no PEM",
      ({ verificationMaterial }) => {
        verificationMaterial.publicKey = { rawBytes: "AAAA" };
      },
      "is not PEM",
    ],
  ])("%s", async (_, change, why) => {
    expect(await problem(changed(change))).toContain(why);
  });

  test.each([[undefined], [null], ["text"], [{}], [[]]])("it is %j", async (value) => {
    expect(await problem(value)).toContain("it is no bundle of model signing");
  });
});

describe("the files of a version", () => {
  const [first, ...rest] = EXPECTED;
  const other = { path: "other", sha256: "0".repeat(64) };

  test.each([
    [
      "one was changed",
      [{ path: first?.path ?? "", sha256: other.sha256 }, ...rest],
      "other contents of",
    ],
    ["one is not signed", rest, "it does not sign"],
    [
      "another one is signed",
      [...EXPECTED, other],
      'it signs "other", which the version does not have',
    ],
  ])("are refused when %s", (_, signed, why) => {
    expect(() => checkSignedFiles(EXPECTED, signed)).toThrow(why);
  });
});

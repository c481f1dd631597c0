import { ApiError } from "../../domain/errors.ts";
import { toHex } from "../../shared/hex.ts";
import { type Header, KEY_ID_BYTES, SALT_BYTES, toHeader } from "./format.ts";
import { ObjectCipher } from "./object-cipher.ts";

const ENCODER = new TextEncoder();
const KEY_ID_INFO = new Uint8Array(ENCODER.encode("onnxflare key id"));
const OBJECT_INFO = new Uint8Array(ENCODER.encode("onnxflare object"));
const AES_KEY_BYTES = 32;
const NONCE_PREFIX_BYTES = 7;

interface RingKey {
  readonly id: Uint8Array<ArrayBuffer>;
  readonly material: CryptoKey;
}

/** The keys of a bucket: objects are written with one, and read with any. */
export class KeyRing {
  readonly #keys: Promise<readonly RingKey[]>;

  /**
   * @param current of 32 bytes
   * @param old others, for reading
   */
  constructor(current: Uint8Array<ArrayBuffer>, old: readonly Uint8Array<ArrayBuffer>[] = []) {
    this.#keys = Promise.all([current, ...old].map(importKey));
    // Whoever uses the ring sees it.
    this.#keys.catch(() => undefined);
  }

  /** The id of the key that objects are written with, in hexadecimal. */
  async currentId(): Promise<string> {
    return toHex((await this.#current()).id);
  }

  /** A cipher with a new salt, for writing an object. */
  async createCipher(objectKey: string): Promise<ObjectCipher> {
    const { id, material } = await this.#current();
    const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
    return deriveCipher(material, { keyId: id, salt }, objectKey);
  }

  /**
   * The cipher that an object was written with.
   * @throws ApiError `model_corrupt` when its key is none of the ring
   */
  async cipherOf(header: Header, objectKey: string): Promise<ObjectCipher> {
    const keyId = toHex(header.keyId);
    const keys = await this.#keys;
    const key = keys.find(({ id }) => toHex(id) === keyId);
    if (key) return deriveCipher(key.material, header, objectKey);
    throw new ApiError(
      "model_corrupt",
      `The object ${objectKey} is encrypted with the key ${keyId}, and the Worker has ${keys.map(({ id }) => toHex(id)).join(", ")}: set ENCRYPTION_KEY to that key, or add it to ENCRYPTION_KEYS_OLD.`,
      { details: { object: objectKey, keyId } },
    );
  }

  async #current(): Promise<RingKey> {
    const [current] = await this.#keys;
    if (!current) throw new Error("the ring has no key");
    return current;
  }
}

async function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<RingKey> {
  const material = await crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveBits"]);
  return { material, id: await derive(material, new Uint8Array(), KEY_ID_INFO, KEY_ID_BYTES) };
}

/** HKDF with SHA-256 (RFC 5869). */
async function derive(
  material: CryptoKey,
  salt: Uint8Array<ArrayBuffer>,
  info: Uint8Array<ArrayBuffer>,
  sizeBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: "HKDF", hash: "SHA-256", salt, info };
  const bits: ArrayBuffer = await crypto.subtle.deriveBits(algorithm, material, sizeBytes * 8);
  return new Uint8Array(bits);
}

/** Every object has its own AES key and nonce prefix, and its chunks are bound to its header and its key in the bucket. */
async function deriveCipher(
  material: CryptoKey,
  header: Header,
  objectKey: string,
): Promise<ObjectCipher> {
  const derived = await derive(
    material,
    header.salt,
    OBJECT_INFO,
    AES_KEY_BYTES + NONCE_PREFIX_BYTES,
  );
  const key = await crypto.subtle.importKey(
    "raw",
    derived.slice(0, AES_KEY_BYTES),
    "AES-GCM",
    false,
    ["encrypt", "decrypt"],
  );
  return new ObjectCipher(
    key,
    derived.slice(AES_KEY_BYTES),
    toHeader(header),
    ENCODER.encode(objectKey),
  );
}

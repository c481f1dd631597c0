import { concatenateBytes } from "../../shared/bytes.ts";
import { TAG_BYTES } from "./format.ts";

const NONCE_BYTES = 12;

/** Encrypts and decrypts the chunks of one object. */
export class ObjectCipher {
  readonly header: Uint8Array<ArrayBuffer>;
  readonly #key: CryptoKey;
  readonly #noncePrefix: Uint8Array<ArrayBuffer>;
  readonly #additionalData: Uint8Array<ArrayBuffer>;

  constructor(
    key: CryptoKey,
    noncePrefix: Uint8Array<ArrayBuffer>,
    header: Uint8Array<ArrayBuffer>,
    objectKey: Uint8Array,
  ) {
    this.#key = key;
    this.#noncePrefix = noncePrefix;
    this.header = header;
    this.#additionalData = concatenateBytes([header, objectKey]);
  }

  /** @returns the encrypted bytes, and the tag */
  async encrypt(
    plain: Uint8Array<ArrayBuffer>,
    index: number,
    isLast: boolean,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(
      await crypto.subtle.encrypt(this.#parameters(index, isLast), this.#key, plain),
    );
  }

  /** @throws DOMException when they are not what {@link encrypt} returned for this chunk */
  async decrypt(
    stored: Uint8Array<ArrayBuffer>,
    index: number,
    isLast: boolean,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(
      await crypto.subtle.decrypt(this.#parameters(index, isLast), this.#key, stored),
    );
  }

  #parameters(index: number, isLast: boolean) {
    const iv = new Uint8Array(NONCE_BYTES);
    iv.set(this.#noncePrefix);
    new DataView(iv.buffer).setUint32(this.#noncePrefix.byteLength, index);
    iv[NONCE_BYTES - 1] = isLast ? 1 : 0;
    return {
      name: "AES-GCM",
      iv,
      additionalData: this.#additionalData,
      tagLength: TAG_BYTES * 8,
    };
  }
}

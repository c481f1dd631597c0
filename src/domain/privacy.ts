import type { DataSelector } from "./data-selector.ts";
import type { ErasureReceipt } from "./erasure-receipt.ts";

/** What a deployment with the secret PRIVACY_KEY does for those whose data it has. */
export interface Privacy {
  readonly erasures: Erasures;
  readonly exports: DataExports;
}

export interface SignedErasure {
  readonly receipt: ErasureReceipt;
  /** The receipt, signed. */
  readonly jws: string;
  /** To be sent with the same selector, to go on; `undefined` when the erasure is complete. */
  readonly cursor: string | undefined;
}

/** Erases what is kept of a key, a subject or a request. */
export interface Erasures {
  /**
   * Goes through all stores, as far as one request may. A store that fails keeps no other from being erased, and is tried again by the
   * next request.
   * @param cursor of the response before
   * @throws ApiError `invalid_request` for a cursor that is not one of this selector
   */
  erase(selector: DataSelector, cursor?: string): Promise<SignedErasure>;
  /** The key that verifies receipts. */
  receiptKey(): Promise<ReceiptKey>;
}

/** A public key for signatures of receipts: RFC 8037. */
export interface ReceiptKey {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  /** The key of 32 bytes, base64url. */
  readonly x: string;
  /** Its thumbprint: RFC 7638. */
  readonly kid: string;
  readonly alg: "EdDSA";
  readonly use: "sig";
}

/** What is kept of a key, a subject or a request, or a part of it. */
export interface DataExport {
  readonly selector: DataSelector;
  readonly exportedAt: string;
  /** Items by store; those of this part. */
  readonly stores: readonly { readonly name: string; readonly items: readonly unknown[] }[];
  /** To be sent with the same selector for the next part; `undefined` at the end. */
  readonly cursor: string | undefined;
}

export interface DataExports {
  /**
   * @param cursor of the part before
   * @throws ApiError of a store that cannot be read: nothing is left out silently; `invalid_request` for a cursor that is not one of
   *   this selector
   */
  export(selector: DataSelector, cursor?: string): Promise<DataExport>;
}

/** Encrypts the objects of a bucket that are not encrypted with the current key. */
export interface BucketEncryption {
  /**
   * Goes through some objects below `models/`.
   * @throws ApiError `storage_failed`, and `model_corrupt` for an object that cannot be decrypted
   */
  encrypt(options: EncryptionOptions): Promise<EncryptionProgress>;
}

export interface EncryptionOptions {
  /** Only objects after this key. */
  readonly after?: string | undefined;
  /** Whether objects that are not encrypted at all are encrypted; otherwise only those with an old key. */
  readonly plain: boolean;
}

export interface EncryptionProgress {
  readonly encrypted: number;
  /** Those with the current key. */
  readonly unchanged: number;
  /** Those that were left as they are, not encrypted: how many, and the first of them. */
  readonly plain: number;
  readonly plainKeys: readonly string[];
  /** Of the last object that was looked at; `undefined` when there is no other one. */
  readonly after: string | undefined;
}

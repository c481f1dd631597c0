/** A file that is deployed beside the Worker. */
export interface StaticAsset {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** Changes with the content. */
  readonly etag: string | undefined;
}

/** The files that are deployed beside the Worker. */
export interface StaticAssets {
  /**
   * @param path begins with a slash
   * @returns `undefined` where there is none
   */
  read(path: string): Promise<StaticAsset | undefined>;
}

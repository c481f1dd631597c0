// What the package of types lacks.

declare namespace CloudflareWorkersModule {
  /**
   * Ends this isolate of a dynamic Worker: the next call of its id gets a new one. Calls that are being worked on may fail. A runtime may
   * not have it.
   */
  export const abortIsolate: ((reason?: string) => never) | undefined;
}

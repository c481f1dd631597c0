/** What is sent for a request, kept for when the same request comes again. */
export interface FinishedAnswer {
  /** Which nobody changes. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Those of the answer stay; those of the request are set anew each time, and copied by its Response. */
  readonly headers: Headers;
  /** The age that the headers tell. */
  ageSeconds: number | undefined;
}

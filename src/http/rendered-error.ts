/** An error in the form of a protocol. */
export interface RenderedError {
  readonly contentType: string;
  readonly body: string;
  /** Of the response, in addition to those of every error. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as `x-error-message` too, without what it quotes of the request's body. */
  readonly messageHeader?: string;
  /** False if clients of the protocol cannot read compressed errors. */
  readonly compress?: boolean;
}

/** An error as a protocol writes it. */
export interface RenderedError {
  readonly contentType: string;
  readonly body: string;
  /** False where clients of the protocol cannot read a compressed error. */
  readonly compress?: boolean;
}

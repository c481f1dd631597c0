/** What the event of a request says of the isolate of its model. */
export interface IsolateEvent {
  /** Whether the request was the first of the isolate. */
  readonly isFirst: boolean;
  /** Memory of the model's isolate that counted within its budget, when the request ended. */
  readonly usedBytes: number;
  /** For how long the request kept that isolate busy: its phases from `decode` to `postprocess`. */
  readonly busyMs: number;
}

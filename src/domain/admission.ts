import type { Deadline } from "./deadline.ts";

/** Of a request, such as the request itself. */
export interface Client {
  /** Aborted when the client has disconnected. */
  readonly signal: AbortSignal;
}

/** The permit of an admitted request, which must always be released. */
export interface Permit {
  /**
   * Queues the request. Models have equal shares of the time; the requests of one model are in the order of arrival, and
   * those that arrive meanwhile are counted.
   * @param client leaves the queue when it disconnects
   * @returns `undefined` when there was no need to wait
   * @throws ApiError `client_closed_request`
   */
  acquire(client: Client): Promise<void> | undefined;
  /**
   * Ends the time slice during long work, and queues the request again.
   * @param busyMs for how long the request has kept the isolate busy until now
   * @throws ApiError `client_closed_request`
   */
  yield(busyMs: number, client: Client): Promise<void>;
  /** @param serviceMs for how long the request kept the isolate busy; `undefined` if that is no sample for others */
  release(serviceMs: number | undefined): void;
}

export interface AdmissionRequest {
  readonly deadline: Deadline;
  /** The model's name; `undefined` while it is not known. */
  readonly model: string | undefined;
  /** Requests with bodies of similar length are expected to take a similar time; `undefined` while it is not known. */
  readonly bodyBytes?: number | undefined;
}

/** Decides which requests may queue for the isolate. */
export interface Admission {
  /** @param timeoutMs the request's own, from now on; at most the configured one, which is the default */
  begin(timeoutMs?: number): Deadline;
  /**
   * Refuses a request that `admit` would refuse now, before its body is read.
   * @throws ApiError what {@link admit} throws
   */
  check(request: AdmissionRequest): void;
  /** @throws ApiError `overloaded` or `deadline_exceeded`, with `retryAfterSeconds` in its details */
  admit(request: AdmissionRequest): Permit;
}

/** Admits requests, and work that nobody waits for. */
export interface SpareAdmission extends Admission {
  /**
   * A permit for work that gives way to requests: it gets its time slices when no request waits for one, and counts neither among the
   * requests in flight nor in their waits.
   * @returns `undefined` when requests leave little time or room for it
   */
  admitSpare(work: Pick<AdmissionRequest, "model" | "bodyBytes">): Permit | undefined;
}

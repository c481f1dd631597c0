import type { RequestLimits } from "./access/key-policy.ts";
import type { TokenMeter } from "./access/limiter.ts";
import type { Identity } from "./access/principal.ts";
import { NO_LIMITS } from "./access/request-limits.ts";
import { type CachePolicy, NO_DIRECTIVES } from "./cache-control.ts";
import { Deadline } from "./deadline.ts";
import { ApiError } from "./errors.ts";
import { Trace } from "./trace.ts";

/** Keeps work alive after the request that started it has ended. */
export type WaitUntil = (work: Promise<unknown>) => void;

/**
 * One piece of work, independent of its origin: a request over HTTP, RPC or a queue, a warm-up, a shadow copy, a
 * sample of an explanation.
 */
export interface Call {
  readonly id: string;
  readonly principal: Identity;
  /** The keyed hash of the subject whose request it is; `undefined` when the request names none. */
  readonly subject?: string | undefined;
  readonly deadline: Deadline;
  /** Aborted when the client has disconnected. */
  readonly signal: AbortSignal;
  readonly cache: CachePolicy;
  readonly trace: Trace;
  readonly waitUntil: WaitUntil;
  /** Of the API key. */
  readonly limits: RequestLimits;
  /** Reserves the tokens of the call; absent where nothing limits them. */
  readonly meter?: TokenMeter | undefined;
  /** Calls back when the call has been answered: that of a request when the body of its response has ended. */
  readonly onEnd: (listener: () => void) => void;
  /**
   * To be awaited between two pieces of work: yields to other calls when this one has worked for a time slice.
   * @throws ApiError `deadline_exceeded`, `client_closed_request`
   */
  checkpoint(): Promise<void>;
  /**
   * To be awaited between two pieces of work that each take long: yields to other calls however long this one has
   * worked, and then does what {@link checkpoint} does.
   * @throws ApiError `deadline_exceeded`, `client_closed_request`
   */
  pause(): Promise<void>;
  /** A call with its own trace that ends with this one: same principal, subject, deadline, signal and cache policy, unless changed. */
  fork(changes?: Partial<Pick<Call, "cache" | "trace" | "signal">>): Call;
}

export interface CallOptions extends Partial<Omit<Call, "checkpoint" | "pause" | "fork">> {
  /** Waits until other calls have had their time slice. */
  readonly yieldSlice?: (call: Call) => Promise<void>;
  readonly now?: () => number;
}

/**
 * How long a call works before it yields. Where the clock stands still during CPU work, a number of
 * checkpoints counts as a time slice.
 */
const SLICE_MS = 20;
const SLICE_STEPS = 16;

export const ANONYMOUS: Identity = { id: async () => "anonymous" };

let unaborted: AbortSignal | undefined;

/** A signal that is never aborted. Not created with its module: older versions of workerd allow no `AbortController` there. */
export function neverAborted(): AbortSignal {
  unaborted ??= new AbortController().signal;
  return unaborted;
}

/** Creates a call. By default it has no limits and no cache directives, and its principal is anonymous. */
export function createCall(options: CallOptions = {}): Call {
  const {
    id = crypto.randomUUID(),
    principal = ANONYMOUS,
    subject,
    deadline = new Deadline(),
    cache = NO_DIRECTIVES,
    trace = new Trace(),
    waitUntil = ignoreFailure,
    limits = NO_LIMITS,
    meter,
    onEnd = (listener) => void yieldToEventLoop().then(listener),
    yieldSlice = yieldToEventLoop,
    now = () => performance.now(),
  } = options;
  let sliceStart = now();
  let steps = 0;
  const endSlice = async (): Promise<void> => {
    await yieldSlice(call);
    sliceStart = now();
    steps = 0;
  };
  const check = (): void => {
    throwIfAborted(call.signal);
    deadline.check();
  };
  const call: Call = {
    id,
    principal,
    subject,
    deadline,
    // Read only when needed: a request's signal costs a call into the runtime.
    get signal() {
      return options.signal ?? neverAborted();
    },
    cache,
    trace,
    waitUntil,
    limits,
    meter,
    onEnd,
    async checkpoint() {
      steps += 1;
      if (steps >= SLICE_STEPS || now() - sliceStart >= SLICE_MS) await endSlice();
      check();
    },
    async pause() {
      // In one turn of the event loop a request arrives; answering it takes more. With one turn, requests to a small model
      // waited for four runs of a large one, with two for one or two (measured in workerd; a turn takes 0.1 to 0.2 ms).
      await yieldToEventLoop();
      await endSlice();
      check();
    },
    fork(changes = {}) {
      const forked = changes.trace ?? new Trace();
      forked.context ??= trace.context;
      return createCall({
        id,
        principal,
        subject,
        deadline,
        waitUntil,
        limits,
        meter: meter?.fork(),
        onEnd,
        yieldSlice,
        now,
        cache: changes.cache ?? cache,
        trace: forked,
        get signal() {
          return changes.signal ?? call.signal;
        },
      });
    },
  };
  return call;
}

/** @throws ApiError `client_closed_request` */
export function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new ApiError("client_closed_request", "The client closed the connection.", {
    cause: signal.reason,
  });
}

function ignoreFailure(work: Promise<unknown>): void {
  work.catch(() => undefined);
}

/** A macrotask: the event loop reads the network before it. `Promise.resolve()` would not yield. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resume) => setTimeout(resume, 0));
}

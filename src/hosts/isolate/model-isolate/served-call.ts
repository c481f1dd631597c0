import { createTokenMeter } from "../../../domain/access/token-meter.ts";
import type { Admission, Permit } from "../../../domain/admission.ts";
import { ATTRIBUTES } from "../../../domain/attribute-names.ts";
import { NO_DIRECTIVES } from "../../../domain/cache-control.ts";
import { type Call, createCall, type WaitUntil } from "../../../domain/call.ts";
import type { RunCached } from "../../../domain/model-host.ts";
import type { ModelRuntime } from "../../../domain/ports.ts";
import type { Tensor } from "../../../domain/tensor.ts";
import { busyMs, measureQueue, Trace } from "../../../domain/trace.ts";
import { createTraceContext } from "../../../domain/trace-context.ts";
import type { Tracing } from "../../../domain/tracing.ts";
import { versionState } from "../../../domain/version-state.ts";
import type {
  CallHead,
  CallReport,
  RunReply,
  SessionStub,
  TimedProgress,
} from "../wire/protocol.ts";
import { toTimedProgress } from "../wire/reports.ts";
import { fromWireError, toWireError } from "../wire/wire-error.ts";
import { fromWireTensors, sizeBytes, toWireTensors } from "../wire/wire-tensors.ts";
import { WatchedClient } from "./watched-client.ts";

/** Larger outputs are not offered to the cache: entries have at most 26 MB, and by default 1 MiB. */
const MAX_OFFERED_BYTES = 4_194_304;

export interface ServedCallOptions {
  readonly head: CallHead;
  readonly session: SessionStub;
  readonly waitUntil: WaitUntil;
  readonly admission: Admission;
  readonly runtime: ModelRuntime;
  readonly tracing: Tracing;
  /** Whether it is the first call of the isolate. */
  readonly isFirst: boolean;
  readonly onEnd: () => void;
}

/** A call that the isolate of a model works on. */
export class ServedCall {
  readonly call: Call;
  readonly session: SessionStub;
  readonly #options: ServedCallOptions;
  readonly #client: WatchedClient;
  readonly #trace: Trace;
  readonly #ended = Promise.withResolvers<void>();
  #permit: Permit | undefined;
  /** Whether outputs of the cache were used, and none of another call's run. */
  #usesHits = false;
  #usesOthers = false;
  #isOver = false;

  constructor(options: ServedCallOptions) {
    const { head, session, waitUntil, admission, tracing } = options;
    this.#options = options;
    const platform = tracing.current();
    this.#trace = new Trace(undefined, platform?.startSpan);
    if (head.traceparent !== undefined)
      this.#trace.context = createTraceContext(head, platform?.traceId);
    platform?.setAttributes({
      [ATTRIBUTES.traceId]: this.#trace.context?.traceId,
      [ATTRIBUTES.model]: head.version.name,
      [ATTRIBUTES.version]: head.version.version,
    });
    this.session = session;
    const client = new WatchedClient(session);
    this.#client = client;
    const { client: keepingClient } = head;
    this.call = createCall({
      principal: { id: async () => keepingClient ?? "" },
      cache: keepingClient === undefined ? { ...NO_DIRECTIVES, noStore: true } : NO_DIRECTIVES,
      deadline: admission.begin(head.timeoutMs),
      trace: this.#trace,
      waitUntil,
      ...(head.limits && { limits: head.limits }),
      ...(head.isMetered && { meter: createTokenMeter((more) => reserveTokens(session, more)) }),
      yieldSlice: async (call) => this.#permit?.yield(busyMs(this.#trace), call),
      get signal() {
        return client.signal;
      },
    });
  }

  /**
   * Queues the call in the isolate, where the requests of all isolates of the Worker meet.
   * @throws ApiError `overloaded`, `deadline_exceeded`, `client_closed_request`
   */
  async admit(): Promise<void> {
    const { head, admission } = this.#options;
    const { deadline } = this.call;
    this.#permit = admission.admit({
      deadline,
      model: head.version.name,
      bodyBytes: head.bodyBytes,
    });
    await measureQueue(this.#trace, this.#permit.acquire(this.#client.inQueue()));
  }

  /** Resolves when the result has ended. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Ends the work at its next checkpoint. */
  abort(): void {
    this.#client.leave();
  }

  /**
   * To be called when the result, also a streamed one, has ended.
   * @param isSample whether other calls are expected to take a similar time
   */
  end(isSample: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#permit?.release(isSample && this.#isTypical() ? busyMs(this.#trace) : undefined);
    this.session[Symbol.dispose]();
    this.#options.onEnd();
    this.#ended.resolve();
  }

  get generation(): TimedProgress | undefined {
    return toTimedProgress(this.#trace);
  }

  report(): CallReport {
    const { head, runtime, isFirst } = this.#options;
    const { phasesMs, coldStart, executions, queueMs = 0, statistics } = this.#trace;
    const { state } = versionState(runtime, head.version.digests);
    const { usedBytes } = runtime;
    const { generation } = this;
    return {
      phasesMs: { ...phasesMs },
      coldStart,
      generation,
      state,
      isFirst,
      usedBytes,
      executions,
      queueMs,
      statistics: statistics?.finish(),
    };
  }

  /**
   * The cache of the Worker, for runs of this isolate: only the key of a run crosses, and its outputs if they are computed
   * for the cache, or come from it.
   * @param client the id of the principal whose requests may use the entries; `undefined` for all
   */
  runCached(client: string | undefined): RunCached {
    return async (run, call) => {
      let own: { readonly outputs: readonly Tensor[] } | { readonly error: unknown } | undefined;
      const runHere = async (): Promise<RunReply> => {
        try {
          const outputs = await run.run(call);
          own = { outputs };
          const isOffered = sizeBytes(outputs) <= MAX_OFFERED_BYTES;
          return { outputs: isOffered ? toWireTensors(outputs) : undefined, report: this.report() };
        } catch (error) {
          own = { error };
          return { error: toWireError(error), report: this.report() };
        }
      };
      const key = await run.key(client);
      const reply = await this.session.runCached(key, run.outputs, runHere);
      if (own && "error" in own) throw own.error;
      if ("error" in reply) throw fromWireError(reply.error);
      if ("outputs" in reply) {
        if (reply.isHit) this.#usesHits = true;
        else this.#usesOthers = true;
        return fromWireTensors(reply.outputs);
      }
      if (!own) throw new Error("the Worker says that a run was made that was not");
      return own.outputs;
    };
  }

  /** Whether its time predicts that of others: not when it waited for the model to be loaded, or for another call's run. */
  #isTypical(): boolean {
    const { coldStart, generation } = this.#trace;
    if (this.#usesOthers) return false;
    // Others are served between the tokens of a text.
    if (generation) return false;
    return coldStart === false || (coldStart === undefined && this.#usesHits);
  }
}

/** @throws ApiError what the Worker says against it */
async function reserveTokens(session: SessionStub, more: number): Promise<void> {
  const refused = await session.reserveTokens(more);
  if (refused) throw fromWireError(refused);
}

import { requireModel, requireScope } from "../domain/access/authorize.ts";
import type { Principal } from "../domain/access/principal.ts";
import type { Scope } from "../domain/access/scope.ts";
import type { Permit } from "../domain/admission.ts";
import type { BodyReservation } from "../domain/body-budget.ts";
import { type Call, createCall, neverAborted, type WaitUntil } from "../domain/call.ts";
import type { Deadline } from "../domain/deadline.ts";
import { toApiError } from "../domain/errors.ts";
import type { OperationKind } from "../domain/event.ts";
import { parseModelReference } from "../domain/model-id.ts";
import type { RoutedModel } from "../domain/published-model.ts";
import { toRequestEvent } from "../domain/request-event.ts";
import { serviceMs } from "../domain/service-time.ts";
import { busyMs, measureQueue, Trace } from "../domain/trace.ts";
import { createTraceContext } from "../domain/trace-context.ts";
import { recordUnreadable } from "../protocols/record-unreadable.ts";
import type { Services } from "../protocols/services.ts";
import { uuidV7 } from "../shared/uuid-v7.ts";
import { type ReadOptions, readOptions } from "./call-options.ts";
import { type CallingWorker, readWorker } from "./read-principal.ts";

/** Of the entrypoint that is called. */
export interface RpcContext {
  readonly waitUntil: WaitUntil;
  /** `ctx.props`, which the binding of the caller may set. */
  readonly props: unknown;
}

/** What the service needs for RPC. */
export type RpcServices = Pick<
  Services,
  | "scrubReply"
  | "config"
  | "admission"
  | "bodies"
  | "router"
  | "infer"
  | "runTask"
  | "explainer"
  | "catalog"
  | "feedback"
  | "sink"
  | "tracing"
  | "subjects"
>;

export type RpcOperation = "predict" | "run" | "stream" | "explain" | "feedback";

/** What a Worker must be allowed for an operation, and of which kind its event is; that of a prediction else. */
const SCOPES: Partial<Record<RpcOperation, Scope>> = { explain: "explain", feedback: "feedback" };
const KINDS: Partial<Record<RpcOperation, OperationKind>> = {
  explain: "explanation",
  feedback: "admin",
};

/** `method` and `route` of the events. */
const METHOD = "RPC";
const ROUTE = "rpc";
const PROTOCOL = "rpc";

/** One call over RPC, from its arrival to its event: what the middleware of HTTP is to a request. */
export class RpcCall {
  readonly trace: Trace;
  readonly operation: RpcOperation;
  readonly #services: RpcServices;
  readonly #context: RpcContext;
  readonly #platformTraceId: string | undefined;
  readonly #time = Date.now();
  readonly #ended = Promise.withResolvers<void>();
  #id: string | undefined;
  #worker: CallingWorker | undefined;
  #controller: AbortController | undefined;
  #reservation: BodyReservation | undefined;
  #permit: Permit | undefined;
  #hasEnded = false;
  readonly #listeners: (() => void)[] = [];

  constructor(operation: RpcOperation, services: RpcServices, context: RpcContext) {
    this.operation = operation;
    this.#services = services;
    this.#context = context;
    const platform = services.tracing.current();
    this.#platformTraceId = platform?.traceId;
    this.trace = new Trace(undefined, platform?.startSpan);
    this.trace.context = createTraceContext({}, this.#platformTraceId);
  }

  /**
   * Begins the deadline, and refuses the call when the isolate is overloaded.
   * @param argument of the method, which may be anything
   * @param fields of it, beside the options of every call
   * @throws ApiError `invalid_request`, `forbidden`, `overloaded`, `deadline_exceeded`
   */
  begin(argument: unknown, fields: readonly string[]): BegunCall {
    const options = readOptions(argument, fields);
    const { model, requestId, traceparent, tracestate, timeoutMs, signal } = options;
    // Both are logged, and ids are stored.
    this.#id = this.#withoutSecret(requestId);
    this.trace.context = createTraceContext(
      { traceparent, tracestate: this.#withoutSecret(tracestate) },
      this.#platformTraceId,
    );
    const worker = readWorker(this.#context.props, options.principal);
    this.#worker = worker;
    if (signal || this.operation === "stream") this.#controller = new AbortController();
    if (signal?.aborted) this.abort(signal.reason);
    else signal?.addEventListener("abort", () => this.abort(signal.reason), { once: true });
    const { admission, bodies } = this.#services;
    const deadline = admission.begin(timeoutMs);
    const { name: purpose } = parseModelReference(model);
    requireScope(worker.principal, SCOPES[this.operation] ?? "predict");
    requireModel(worker.principal, purpose);
    admission.check({ deadline, model: purpose });
    const reservation = bodies.reserve({ bytes: 0, timeoutMs: deadline.remainingMs, purpose });
    this.#reservation = reservation;
    // Otherwise the runtime would drop the work, and what it holds, when the caller leaves.
    this.#context.waitUntil(this.#ended.promise);
    return { argument: argument as BegunCall["argument"], options, deadline, reservation };
  }

  /** Who calls; known when the call has begun. */
  get principal(): Principal | undefined {
    return this.#worker?.principal;
  }

  get signal(): AbortSignal {
    return this.#controller?.signal ?? neverAborted();
  }

  /** Ends the work at its next checkpoint. */
  abort(reason: unknown): void {
    this.#controller?.abort(reason);
  }

  /** @param input makes the bytes by which a split may choose a version */
  async resolve(
    { deadline, options: { model: reference, stickyKey } }: BegunCall,
    input: () => Uint8Array,
  ): Promise<RoutedModel> {
    const { trace } = this;
    let bytes: Uint8Array | undefined;
    const traits = {
      stickyKey,
      clientKey: this.#worker?.clientKey,
      get input() {
        bytes ??= input();
        return bytes;
      },
      random: Math.random(),
    };
    try {
      const model = await trace.measureAsync("resolve", () =>
        this.#services.router.resolve(parseModelReference(reference), traits, deadline),
      );
      trace.model = model.name;
      trace.version = model.version;
      trace.alias = model.alias;
      trace.task = model.manifest.task;
      trace.split = model.split;
      return model;
    } catch (error) {
      recordUnreadable(trace, error);
      throw error;
    }
  }

  /**
   * Queues the call, whose argument is in memory.
   * @throws ApiError `overloaded`, `deadline_exceeded`, `client_closed_request`
   */
  async admit({ name }: RoutedModel, { deadline, options }: BegunCall): Promise<Call> {
    const { trace, signal } = this;
    const { subjects } = this.#services;
    const subject = options.subject && (await subjects?.hash(options.subject));
    trace.subject = subject;
    trace.isKept = !options.subject || subject !== undefined;
    const permit = this.#services.admission.admit({
      deadline,
      model: name,
      bodyBytes: trace.bytesIn,
    });
    this.#permit = permit;
    const call = createCall({
      id: this.requestId,
      ...(this.#worker && { principal: this.#worker.principal }),
      subject,
      deadline,
      yieldSlice: (client) => permit.yield(busyMs(trace), client),
      signal,
      // Nothing is kept of a call whose subject would have to be kept as it is.
      cache: options.subject && !subject ? { ...options.cache, noStore: true } : options.cache,
      trace,
      waitUntil: this.#context.waitUntil,
      onEnd: (listener) => void this.#listeners.push(listener),
    });
    await measureQueue(trace, permit.acquire(this));
    return call;
  }

  /** To be called when the result, also a streamed one, has ended: releases what the call holds, and emits its event. */
  end(thrown?: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { trace, operation } = this;
    trace.totalMs = trace.elapsedMs;
    // A stream runs in slices between other calls, and an explanation is no prediction: neither is a sample of the service time.
    const isSample = operation !== "stream" && operation !== "explain";
    this.#permit?.release(isSample ? serviceMs(trace) : undefined);
    this.#reservation?.release();
    const event = {
      time: this.#time,
      requestId: this.requestId,
      method: METHOD,
      route: ROUTE,
      protocol: PROTOCOL,
      operation: {
        id: operation,
        kind: KINDS[operation] ?? "inference",
      },
      status: thrown === undefined ? 200 : toApiError(thrown).kind.status,
      thrown,
      trace,
      principal: this.#worker?.principal.label,
    };
    try {
      this.#services.sink.emit(toRequestEvent(event));
    } catch {
      // A sink that fails fails no call.
    }
    for (const listener of this.#listeners) listener();
    this.#ended.resolve();
  }

  /** `undefined` for a text that has a secret in it. */
  #withoutSecret(text: string | undefined): string | undefined {
    return text !== undefined && this.#services.scrubReply(text) === text ? text : undefined;
  }

  get requestId(): string {
    this.#id ??= uuidV7(this.#time);
    return this.#id;
  }
}

/** A call whose deadline has begun. */
export interface BegunCall {
  readonly argument: Readonly<Record<string, unknown>>;
  readonly options: ReadOptions;
  readonly deadline: Deadline;
  /** For the memory of the argument. */
  readonly reservation: BodyReservation;
}

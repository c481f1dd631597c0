import type { RequestLimits } from "../../../domain/access/key-policy.ts";
import type { GenerationProgress } from "../../../domain/generation-progress.ts";
import type { Manifest } from "../../../domain/manifest.ts";
import type { CandidateModel } from "../../../domain/model-host.ts";
import type { ModelId } from "../../../domain/model-id.ts";
import type { KnownProfile } from "../../../domain/monitoring/reference-profile.ts";
import type { ModelDescription, RuntimeStats, StoredFile } from "../../../domain/ports.ts";
import type { GatheredStatistics } from "../../../domain/statistics/request-statistics.ts";
import type { InputForm, Usage } from "../../../domain/task.ts";
import type { Phase } from "../../../domain/trace.ts";
import type { WireError } from "./wire-error.ts";
import type { WireTensors } from "./wire-tensors.ts";
import type { WireValue } from "./wire-value.ts";

/**
 * What crosses between the Worker and the isolate of a model, by the RPC of Workers: structured clones, streams of bytes,
 * and a stub of the {@link Session}. One request is one call of a method of {@link IsolateMethods}; all others
 * are part of its session, which Cloudflare does not bill.
 */

/** The export of the isolate's code that has the methods. */
export const ISOLATE_ENTRYPOINT = "ModelIsolate";

/** The settings of an isolate, part of its id: they never change. */
export interface IsolateSettings {
  readonly budgetBytes: number;
  readonly maxInFlight: number;
  readonly maxQueueMs: number;
  readonly timeoutMs: number;
}

export interface IsolateEnv {
  readonly SETTINGS: IsolateSettings;
}

/** The version that a call is for. The isolate asks the session for the manifest of one that it does not know. */
export interface VersionHead extends ModelId {
  readonly revision: string;
  /** SHA-256 of the file of the main model. */
  readonly digest: string;
  /** Of the files of all models. */
  readonly digests: readonly string[];
  /** The digest of its reference profile; absent when it has none. */
  readonly profile?: string | undefined;
}

/** What the isolate is told of a call. */
export interface CallHead {
  readonly version: VersionHead;
  /** What is left of the deadline; absent without one. */
  readonly timeoutMs: number | undefined;
  /**
   * The id of the principal, for whom prefixes of prompts may be kept, and be read; absent where the request's cache directives say
   * otherwise, and for tasks that keep none.
   */
  readonly client?: string | undefined;
  /** Of the request's body: calls with bodies of similar length are expected to take a similar time. */
  readonly bodyBytes: number;
  /** Of the API key; absent for none. */
  readonly limits?: RequestLimits | undefined;
  /** The `traceparent` of the request's span; absent of work that no request has asked for. */
  readonly traceparent?: string | undefined;
  /** Whether tokens are reserved before they are generated. */
  readonly isMetered?: boolean | undefined;
}

export interface WireInferRequest {
  /** One of the version's `models`; the main one when left out. */
  readonly member: string | undefined;
  readonly inputs: WireTensors;
  readonly outputs: readonly string[] | undefined;
}

export interface WireTaskRequest {
  readonly inputs: WireValue;
  readonly parameters: WireValue;
  readonly stream: boolean | undefined;
  readonly checkOnly: boolean | undefined;
  /** Whether the runs of the task may use the cache, and for which client. */
  readonly cache: { readonly client: string | undefined } | undefined;
}

export type WireTaskResult =
  | {
      readonly kind: "value";
      readonly value: WireValue;
      readonly form: InputForm;
      readonly usage: Usage | undefined;
    }
  /** A line of JSON for each {@link StreamLine}. */
  | { readonly kind: "stream"; readonly lines: ReadableStream<Uint8Array> };

/** A line of a streamed result: the parts, and then how it ended. */
export type StreamLine =
  | { readonly part: unknown; readonly generation?: TimedProgress | undefined }
  | { readonly end: CallReport; readonly error?: WireError };

/** What has been generated until now, by the clock of the isolate. */
export interface TimedProgress {
  readonly progress: GenerationProgress;
  /** Now, in milliseconds since the trace of the isolate began. */
  readonly elapsedMs: number;
}

/** What a call measured in the isolate. */
export interface CallReport {
  readonly phasesMs: Readonly<Partial<Record<Phase, number>>>;
  readonly coldStart: boolean | undefined;
  readonly generation: TimedProgress | undefined;
  /** Of the version, when the call ended. */
  readonly state: "absent" | "loading" | "ready" | "failed";
  /** Whether the call was the first of its isolate. */
  readonly isFirst: boolean;
  /** Memory that counts within the isolate's budget. */
  readonly usedBytes: number;
  /** Runs of the engine. */
  readonly executions: number;
  /** In the queue of the isolate. */
  readonly queueMs: number;
  /** Of a task's inputs and outputs; absent where the Worker gathers them. */
  readonly statistics: GatheredStatistics | undefined;
}

/** A method fails with a value, because RPC keeps only some properties of what is thrown. */
export type Reply<T> = { readonly report: CallReport } & (
  | { readonly value: T }
  | { readonly error: WireError }
);

/** The methods of an isolate, as the Worker calls them. */
export interface IsolateMethods {
  infer(head: CallHead, request: WireInferRequest, session: Session): Promise<Reply<WireTensors>>;
  execute(
    head: CallHead,
    request: WireTaskRequest,
    session: Session,
  ): Promise<Reply<WireTaskResult>>;
  load(head: CallHead, session: Session): Promise<Reply<undefined>>;
  describe(candidate: CandidateModel, session: Session): Promise<Reply<ModelDescription>>;
  /** Frees the memory of the models with these digests; returns whether one was loaded. */
  unload(digests: readonly string[]): Promise<boolean>;
  /** Drops what is kept of requests; returns how much there was. */
  dropKept(): Promise<number>;
  stats(): Promise<RuntimeStats>;
}

/** The outputs of a run in the isolate, for the cache; `undefined` when they are too large for an entry. */
export type RunReply =
  | { readonly outputs: WireTensors | undefined; readonly report: CallReport }
  | { readonly error: WireError; readonly report: CallReport };

export type OpenReply = { readonly file: StoredFile | undefined } | { readonly error: WireError };

export type CachedReply =
  /** Of the cache, or else of an identical run. */
  | { readonly outputs: WireTensors; readonly isHit: boolean }
  /** The run that the isolate has made itself. */
  | { readonly own: true }
  | { readonly error: WireError };

/** What the Worker does for a call of the isolate: all that the isolate can reach. */
export interface Session {
  manifest(): Promise<Manifest>;
  /** `undefined` when the version has none. */
  profile(): Promise<KnownProfile | undefined>;
  /** A file of the call's version, and of no other. `file` is `undefined` when it is missing. */
  open(path: string): Promise<OpenReply>;
  /** Reads the outputs of a run from the cache, or has it run. */
  runCached(
    key: string,
    outputs: readonly string[],
    run: () => Promise<RunReply>,
  ): Promise<CachedReply>;
  /** Reserves more tokens of the call; returns why they cannot be. */
  reserveTokens(more: number): Promise<WireError | undefined>;
  /** Resolves when the client has closed the connection, or nothing more is read of the result. */
  closed(): Promise<void>;
}

/** A session as the isolate holds it. */
export interface SessionStub extends Session, Disposable {
  /** A stub that lives on after the method has returned. */
  dup(): SessionStub;
}

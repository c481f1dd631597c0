import { NO_LIMITS } from "../../../domain/access/request-limits.ts";
import type { Call } from "../../../domain/call.ts";
import { modelDigest } from "../../../domain/manifest.ts";
import { memberDigests } from "../../../domain/member-models.ts";
import type { CandidateModel, RunCached } from "../../../domain/model-host.ts";
import type { ModelId } from "../../../domain/model-id.ts";
import type { ModelFiles, StoredFile } from "../../../domain/ports.ts";
import type { PublishedModel } from "../../../domain/published-model.ts";
import { toTraceParent } from "../../../domain/trace-context.ts";
import type { CallHead, CallReport } from "../wire/protocol.ts";
import { applyReport, EMPTY_REPORT } from "../wire/reports.ts";
import { withKnownNames } from "./parse-statistics.ts";

/** What a call to an isolate is for: a published version, or a file that is not published yet. */
export interface IsolateTarget {
  readonly id: ModelId;
  /** SHA-256 of the file of the main model, by which isolates are known. */
  readonly digest: string;
  /** Of the files of all models. */
  readonly digests: readonly string[];
  /** `undefined` for a file that is not published yet. */
  readonly model: PublishedModel | undefined;
  /** The paths that the isolate may open. */
  readonly paths: ReadonlySet<string>;
  open(path: string): Promise<StoredFile | undefined>;
}

export function toTarget(model: PublishedModel, files: ModelFiles): IsolateTarget {
  const { name, version, manifest } = model;
  return {
    id: { name, version },
    digest: modelDigest(manifest),
    digests: memberDigests(manifest),
    model,
    paths: new Set(manifest.files.map(({ path }) => path)),
    open: (path) => files.file(model, path),
  };
}

export function toCandidateTarget(
  { id, path, sha256 }: CandidateModel,
  files: ModelFiles,
): IsolateTarget {
  return {
    id,
    digest: sha256,
    digests: [sha256],
    model: undefined,
    paths: new Set([path]),
    open: () => files.file(id, path),
  };
}

/** A call to the isolate of a model, on the Worker's side. */
export class IsolateCall {
  readonly target: IsolateTarget;
  readonly call: Call;
  /** `undefined` when the call does not use the cache. */
  readonly runCached: RunCached | undefined;
  /** For whom the isolate may keep prefixes of prompts. */
  client: string | undefined;
  /** Called with each file that the isolate reads. */
  onOpen: (file: StoredFile) => void = () => {};
  #reservedTokens = 0;
  readonly #left = Promise.withResolvers<void>();
  #isOver = false;
  #report: CallReport = EMPTY_REPORT;

  constructor(target: IsolateTarget, call: Call, runCached?: RunCached) {
    this.target = target;
    this.call = call;
    this.runCached = runCached;
  }

  get head(): CallHead {
    const { id, digest, digests, model } = this.target;
    const { deadline, limits, meter, trace } = this.call;
    const { remainingMs } = deadline;
    return {
      version: {
        ...id,
        revision: model?.revision ?? "",
        digest,
        digests,
        ...(model?.profile && { profile: model.profile.digest }),
      },
      timeoutMs: Number.isFinite(remainingMs) ? remainingMs : undefined,
      bodyBytes: trace.bytesIn,
      ...(trace.context && { traceparent: toTraceParent(trace.context) }),
      ...(this.client !== undefined && { client: this.client }),
      ...(limits !== NO_LIMITS && { limits }),
      ...(meter && { isMetered: true }),
    };
  }

  /** To be called with the reply: the call ends with it, unless its result is a stream. */
  replied(reply: unknown): void {
    const value = (reply as { readonly value?: { readonly kind?: unknown } } | undefined)?.value;
    if (value?.kind !== "stream") this.end();
  }

  /** Nobody waits for the call, or for the rest of its stream, any more. */
  end(): void {
    this.#isOver = true;
    this.#left.resolve();
  }

  /** Whether the isolate has no more to do for the call. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Resolves when the client has left, or nobody waits any more. */
  async left(): Promise<void> {
    const { signal } = this.call;
    if (signal.aborted || this.#isOver) return;
    const onAbort = (): void => {
      // Not the signal from before: what a client leaves goes on when other calls have joined it.
      if (this.call.signal.aborted) this.#left.resolve();
    };
    signal.addEventListener("abort", onAbort);
    try {
      await this.#left.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** @throws ApiError what the call's meter throws */
  async reserveTokens(more: number): Promise<void> {
    this.#reservedTokens += more;
    await this.call.meter?.reserve(this.#reservedTokens);
  }

  /** Adds to the trace what the isolate measured since the report before. */
  report(report: CallReport): void {
    applyReport(this.call.trace, this.#withKnownNames(report), this.#report);
    this.#report = report;
  }

  #withKnownNames(report: CallReport): CallReport {
    const { statistics } = report;
    const { model } = this.target;
    return { ...report, statistics: statistics && model && withKnownNames(statistics, model) };
  }
}

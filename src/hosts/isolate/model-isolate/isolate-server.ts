import type { Admission } from "../../../domain/admission.ts";
import type { WaitUntil } from "../../../domain/call.ts";
import type { Manifest } from "../../../domain/manifest.ts";
import type { CandidateModel, ModelHost } from "../../../domain/model-host.ts";
import type { KnownProfile } from "../../../domain/monitoring/reference-profile.ts";
import type {
  ModelDescription,
  ModelFiles,
  ModelRuntime,
  RuntimeStats,
  StoredFile,
} from "../../../domain/ports.ts";
import type { PublishedModel } from "../../../domain/published-model.ts";
import type { Tracing } from "../../../domain/tracing.ts";
import { LruMap } from "../../../shared/lru-map.ts";
import { MAX_REPLY_BYTES } from "../wire/clone-limits.ts";
import type {
  CallHead,
  Reply,
  SessionStub,
  VersionHead,
  WireInferRequest,
  WireTaskRequest,
  WireTaskResult,
} from "../wire/protocol.ts";
import { fromWireError, toWireError } from "../wire/wire-error.ts";
import { fromWireTensors, toWireOutputs, type WireTensors } from "../wire/wire-tensors.ts";
import { fromWireValue, toWireValue } from "../wire/wire-value.ts";
import { ServedCall } from "./served-call.ts";
import { writeStream } from "./write-stream.ts";

export interface IsolateServerOptions {
  readonly runtime: ModelRuntime;
  /** The host of this isolate's cells, by the files that a call may read. */
  readonly hostOf: (files: ModelFiles) => ModelHost;
  readonly admission: Admission;
  readonly tracing: Tracing;
  /** Ends the isolate: the next call gets a new one. */
  readonly endIsolate: () => void;
}

/** Manifests that are kept: versions with the same model file share an isolate. */
const MAX_MANIFESTS = 16;

/** The isolate's side: its calls become calls of the host of this isolate, by a queue of its own. */
export class IsolateServer {
  readonly #options: IsolateServerOptions;
  readonly #manifests = new LruMap<string, Manifest>(MAX_MANIFESTS);
  /** That was used last. */
  #profile: KnownProfile | undefined;
  readonly #active = new Set<ServedCall>();
  #calls = 0;

  constructor(options: IsolateServerOptions) {
    this.#options = options;
  }

  infer(
    head: CallHead,
    { member, inputs, outputs }: WireInferRequest,
    session: SessionStub,
    waitUntil: WaitUntil,
  ): Promise<Reply<WireTensors>> {
    return this.#answer(head, session, waitUntil, async (served, host) => {
      await served.admit();
      const model = await this.#modelOf(head.version, session);
      const tensors = await fromWireTensors(inputs);
      const request = { model, member, inputs: tensors, outputs };
      return toWireOutputs(await host.infer(request, served.call));
    });
  }

  execute(
    head: CallHead,
    { inputs, parameters, stream, checkOnly, cache }: WireTaskRequest,
    session: SessionStub,
    waitUntil: WaitUntil,
  ): Promise<Reply<WireTaskResult>> {
    return this.#answer(head, session, waitUntil, async (served, host) => {
      await served.admit();
      const result = await host.execute(
        {
          model: await this.#modelOf(head.version, session),
          inputs: await fromWireValue(inputs),
          parameters: (await fromWireValue(parameters)) as Readonly<Record<string, unknown>>,
          stream,
          checkOnly,
          ...(cache && { runCached: served.runCached(cache.client) }),
        },
        served.call,
      );
      if (result.kind === "stream")
        return { kind: "stream", lines: writeStream(result.parts, served) };
      const { kind, value, form, usage } = result;
      return { kind, value: toWireValue(value, MAX_REPLY_BYTES), form, usage };
    });
  }

  load(head: CallHead, session: SessionStub, waitUntil: WaitUntil): Promise<Reply<undefined>> {
    return this.#answer(head, session, waitUntil, async (_served, host) => {
      await host.load(await this.#modelOf(head.version, session), waitUntil);
      return undefined;
    });
  }

  describe(
    candidate: CandidateModel,
    session: SessionStub,
    waitUntil: WaitUntil,
  ): Promise<Reply<ModelDescription>> {
    const { id, sha256: digest } = candidate;
    const version = { ...id, revision: "", digest, digests: [digest] };
    const head = { version, timeoutMs: undefined, bodyBytes: 0 };
    return this.#answer(head, session, waitUntil, (_served, host) =>
      host.describe(candidate, waitUntil),
    );
  }

  /** Frees the models' memory, and ends the isolate; returns whether one was loaded. */
  unload(digests: readonly string[], waitUntil: WaitUntil): boolean {
    const wereLoaded = digests.map((digest) => this.#options.runtime.unload(digest));
    this.#endWhenIdle(waitUntil);
    return wereLoaded.includes(true);
  }

  dropKept(): number {
    return this.#options.runtime.dropKept();
  }

  stats(): RuntimeStats {
    return this.#options.runtime.stats();
  }

  /** The reply to a call; errors are values. The session of a call lives until the result, also a streamed one, has ended. */
  async #answer<T extends object | undefined>(
    head: CallHead,
    given: SessionStub,
    waitUntil: WaitUntil,
    answer: (served: ServedCall, host: ModelHost) => Promise<T>,
  ): Promise<Reply<T>> {
    const { runtime, admission, tracing, hostOf } = this.#options;
    const isFirst = this.#calls === 0;
    this.#calls += 1;
    // What the method is given is disposed when it returns.
    const session = given.dup();
    const onEnd = (): void => {
      this.#active.delete(served);
      if (runtime.stats().crashes > 0) this.#endWhenIdle(waitUntil);
    };
    const served = new ServedCall({
      head,
      session,
      waitUntil,
      admission,
      runtime,
      tracing,
      isFirst,
      onEnd,
    });
    this.#active.add(served);
    const host = hostOf({ file: (_id, path) => openFile(session, path) });
    try {
      const value = await answer(served, host);
      if (!isStream(value)) served.end(true);
      return { value, report: served.report() };
    } catch (error) {
      served.end(false);
      return { error: toWireError(error), report: served.report() };
    }
  }

  /**
   * Ends the isolate unless it works on a call. The memory of an engine that was dropped is freed with it for certain, and otherwise
   * when it is collected, which an idle isolate may never do.
   */
  #endWhenIdle(waitUntil: WaitUntil): void {
    if (this.#active.size > 0) return;
    // The reply is sent before.
    const isSent = new Promise((resume) => setTimeout(resume, 0));
    waitUntil(isSent.then(() => this.#active.size === 0 && this.#options.endIsolate()));
  }

  async #modelOf(
    { name, version, revision, digest, profile: profileDigest }: VersionHead,
    session: SessionStub,
  ): Promise<PublishedModel> {
    const key = JSON.stringify([name, version, revision, digest]);
    const manifest = this.#manifests.get(key) ?? (await session.manifest());
    // A version that is being published has no revision yet, and may get another manifest.
    if (revision !== "") this.#manifests.set(key, manifest);
    const profile = await this.#profileOf(profileDigest, session);
    return { name, version, revision, manifest, versions: [version], ...(profile && { profile }) };
  }

  /** Another version of the same model may have a profile of its own. */
  async #profileOf(
    digest: string | undefined,
    session: SessionStub,
  ): Promise<KnownProfile | undefined> {
    if (digest === undefined) return undefined;
    if (this.#profile?.digest !== digest) this.#profile = await session.profile();
    return this.#profile;
  }
}

/** @throws ApiError `storage_failed` */
async function openFile(session: SessionStub, path: string): Promise<StoredFile | undefined> {
  const reply = await session.open(path);
  if ("error" in reply) throw fromWireError(reply.error);
  return reply.file;
}

function isStream(value: object | undefined): boolean {
  return value !== undefined && "kind" in value && value.kind === "stream";
}

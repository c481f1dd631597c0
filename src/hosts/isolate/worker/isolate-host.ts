import { postprocessDefinition } from "../../../domain/blocks/registry.ts";
import { cachePartition } from "../../../domain/cache-partition.ts";
import { type Call, createCall, throwIfAborted } from "../../../domain/call.ts";
import { ApiError } from "../../../domain/errors.ts";
import { keepingClient } from "../../../domain/keeping-client.ts";
import { type Manifest, modelDigest } from "../../../domain/manifest.ts";
import { memberDigests, memberModel } from "../../../domain/member-models.ts";
import type { Infer, IsolateStats, ModelHost } from "../../../domain/model-host.ts";
import type { ModelId } from "../../../domain/model-id.ts";
import type { ModelFiles, ModelState, StoredFile } from "../../../domain/ports.ts";
import type { TaskResult } from "../../../domain/task.ts";
import { LruMap } from "../../../shared/lru-map.ts";
import { settlesWithin } from "../../../shared/settles-within.ts";
import type { IsolateMethods } from "../wire/protocol.ts";
import { toWireTensors } from "../wire/wire-tensors.ts";
import { toWireValue } from "../wire/wire-value.ts";
import { awaitReply } from "./await-reply.ts";
import { IsolateCall, type IsolateTarget, toCandidateTarget, toTarget } from "./isolate-call.ts";
import { toIsolateFailure, toReplyError } from "./isolate-failure.ts";
import { createIsolateLoader, type IsolateLoaderOptions } from "./isolate-loader.ts";
import { parseOutputs } from "./parse-outputs.ts";
import { InvalidReply, parseAmount, parseReply } from "./parse-reply.ts";
import { parseDescription, parseStats } from "./parse-stats.ts";
import { readResult } from "./read-result.ts";
import { WorkerSession } from "./worker-session.ts";

export interface IsolateHostOptions extends IsolateLoaderOptions {
  readonly store: ModelFiles;
}

/** What this isolate of the Worker knows of the isolate of a model. */
interface KnownIsolate {
  readonly id: ModelId;
  state: ModelState;
  /** Calls that began when the model was not known to be loaded. */
  loading: number;
  /** What they have read. */
  files: StoredFile[];
}

/** Bounds the isolates whose state is kept. */
const MAX_KNOWN = 1000;
/** So many distinct dynamic Workers may be in flight for one request on Cloudflare. */
const MAX_AT_ONCE = 4;
/** How long an isolate is waited for that does not reply to an operator's question. */
const MAX_ADMIN_MS = 5_000;

/** The host whose models run in isolates of their own, behind the Worker Loader. */
export function createIsolateHost({
  loader,
  code,
  settings,
  store,
}: IsolateHostOptions): ModelHost {
  const known = new LruMap<string, KnownIsolate>(MAX_KNOWN);
  /** One isolate for all requests, also of other isolates of this Worker. */
  const methodsOf = createIsolateLoader({ loader, code, settings });

  function recall({ digest, id }: IsolateTarget): KnownIsolate {
    const found = known.get(digest);
    if (found) return found;
    const isolate: KnownIsolate = { id, state: { state: "absent" }, loading: 0, files: [] };
    known.set(digest, isolate);
    return isolate;
  }

  /**
   * One call of the isolate's methods.
   * @param read checks the value of the reply, and makes the result of it
   * @throws ApiError what the isolate replies, and that of {@link toIsolateFailure} when it has ended
   */
  async function callIsolate<T>(
    isolateCall: IsolateCall,
    send: (methods: IsolateMethods, session: WorkerSession) => Promise<unknown>,
    read: (value: unknown) => T | Promise<T>,
  ): Promise<T> {
    const { target, call } = isolateCall;
    const isolate = recall(target);
    // What is left of it, the isolate would count from its arrival there.
    call.deadline.check();
    const isCold = isolate.state.state !== "ready";
    if (isCold) {
      throwIfAborted(call.signal);
      isolate.loading += 1;
    }
    isolateCall.onOpen = (file) => void isolate.files.push(file);
    try {
      const methods = methodsOf(target.digest, isolateCall.head.timeoutMs);
      const replying = send(methods, new WorkerSession(isolateCall));
      replying.then(
        (reply) => isolateCall.replied(reply),
        () => isolateCall.replied(undefined),
      );
      // A load continues when its request ends.
      if (isCold) call.waitUntil(replying.catch(() => undefined));
      const reply = parseReply(await awaitReply(replying, call));
      isolateCall.report(reply.report);
      if (!("error" in reply)) {
        isolate.state = { state: "ready" };
        return await readValue(reply.value, read);
      }
      const error = withCauseOf(isolate.files, toReplyError(reply.error, call));
      const { state } = reply.report;
      isolate.state = state === "failed" ? { state, error } : { state };
      throw error;
    } catch (error) {
      if (!isCold) isolateCall.end();
      const failure = toIsolateFailure(error, target.id, call);
      if (failure !== error) isolate.state = { state: "absent" };
      throw failure;
    } finally {
      if (isCold) isolate.loading -= 1;
      if (isolate.loading === 0) isolate.files = [];
    }
  }

  /** Those that are running: a call of one that has ended would start it again, and one that failed to load its model may have. */
  function running(): readonly [digest: string, isolate: KnownIsolate][] {
    return [...known.entries()].filter(
      ([, { state, loading }]) => state.state === "ready" || loading > 0,
    );
  }

  /** Asks all that are running, as many at once as may be. */
  async function askRunning<T>(ask: (digest: string, id: ModelId) => Promise<T>): Promise<T[]> {
    const all = running();
    const answers: T[] = [];
    for (let start = 0; start < all.length; start += MAX_AT_ONCE) {
      const some = all.slice(start, start + MAX_AT_ONCE);
      answers.push(...(await Promise.all(some.map(([digest, { id }]) => ask(digest, id)))));
    }
    return answers;
  }

  /** `undefined` when the isolate does not reply. */
  async function dropKeptOf(digest: string): Promise<number | undefined> {
    try {
      const dropping: Promise<unknown> = methodsOf(digest).dropKept();
      if (!(await settlesWithin(dropping, MAX_ADMIN_MS))) return undefined;
      return parseAmount(await dropping);
    } catch {
      return undefined;
    }
  }

  /** `undefined` when the isolate has ended, or does not reply. */
  async function statsOf(digest: string, id: ModelId): Promise<IsolateStats | undefined> {
    try {
      const reading = methodsOf(digest).stats();
      if (!(await settlesWithin(reading, MAX_ADMIN_MS))) return undefined;
      return { model: { ...id, digest }, ...parseStats(await reading) };
    } catch {
      return undefined;
    }
  }

  const infer: Infer = async ({ model, member, inputs, outputs }, call) => {
    const isolateCall = toPublishedCall(toTarget(model, store), call);
    const names = outputs ?? memberModel(model.manifest, member).outputs.map(({ name }) => name);
    return callIsolate(
      isolateCall,
      (methods, session) =>
        methods.infer(
          isolateCall.head,
          { member, inputs: toWireTensors(inputs), outputs },
          session,
        ),
      (value) => parseOutputs(value, names),
    );
  };

  return {
    infer,
    async execute(
      { model, inputs, parameters, stream, checkOnly, runCached },
      call,
    ): Promise<TaskResult> {
      const isolateCall = toPublishedCall(toTarget(model, store), call, runCached);
      // Its tasks look for their client only now and then.
      throwIfAborted(call.signal);
      const client = runCached && (await cachePartition(model.manifest, call));
      if (generates(model.manifest)) isolateCall.client = await keepingClient(model.manifest, call);
      const request = {
        inputs: toWireValue(inputs),
        parameters: toWireValue(parameters),
        stream,
        checkOnly,
        cache: runCached && { client },
      };
      return callIsolate(
        isolateCall,
        (methods, session) => methods.execute(isolateCall.head, request, session),
        (value) => readResult(value, isolateCall),
      );
    },
    async load(model, waitUntil) {
      const isolateCall = new IsolateCall(toTarget(model, store), createCall({ waitUntil }));
      await callIsolate(
        isolateCall,
        (methods, session) => methods.load(isolateCall.head, session),
        () => undefined,
      );
    },
    async describe(candidate, waitUntil) {
      const target = toCandidateTarget(candidate, store);
      const isolateCall = new IsolateCall(target, createCall({ waitUntil }));
      return callIsolate(
        isolateCall,
        (methods, session) => methods.describe(candidate, session),
        parseDescription,
      );
    },
    async state({ manifest }) {
      const isolate = known.get(modelDigest(manifest));
      if (!isolate) return { state: "absent" };
      const { state, loading } = isolate;
      return state.state !== "ready" && loading > 0 ? { state: "loading" } : state;
    },
    async unload({ manifest }) {
      const digest = modelDigest(manifest);
      if (!known.delete(digest)) return false;
      try {
        const unloading = methodsOf(digest).unload(memberDigests(manifest));
        if (await settlesWithin(unloading, MAX_ADMIN_MS)) return (await unloading) === true;
      } catch {
        // It has ended, which frees its memory as well.
      }
      return true;
    },
    async dropKept() {
      const dropped = await askRunning(dropKeptOf);
      const replies = dropped.filter((count) => count !== undefined);
      return {
        dropped: replies.reduce((sum, count) => sum + count, 0),
        unreached: dropped.length - replies.length,
      };
    },
    async stats() {
      return (await askRunning(statsOf)).filter((stats) => stats !== undefined);
    },
  };
}

/** Says why a file could not be read, which the isolate is not told: the error of a stream crosses as another one. */
function withCauseOf(files: readonly StoredFile[], error: ApiError): ApiError {
  if (error.code !== "storage_failed") return error;
  const failures = files.map((file) => file.failure?.());
  return failures.find((failure) => failure instanceof ApiError) ?? error;
}

/** @throws ApiError, InvalidReply for a value that cannot be read */
async function readValue<T>(value: unknown, read: (value: unknown) => T | Promise<T>): Promise<T> {
  try {
    return await read(value);
  } catch (cause) {
    if (cause instanceof ApiError || cause instanceof InvalidReply) throw cause;
    throw new InvalidReply("the value of the reply is not valid", { cause });
  }
}

function toPublishedCall(
  target: IsolateTarget,
  call: Call,
  runCached?: IsolateCall["runCached"],
): IsolateCall {
  call.trace.digest = target.digest;
  return new IsolateCall(target, call, runCached);
}

function generates({ postprocess }: Manifest): boolean {
  return postprocess !== undefined && (postprocessDefinition(postprocess).generates ?? false);
}

import { type Call, createCall } from "../../domain/call.ts";
import { modelDigest } from "../../domain/manifest.ts";
import type { Infer, IsolateStats, ModelHost } from "../../domain/model-host.ts";
import type { ModelId } from "../../domain/model-id.ts";
import type { ModelState, ModelStore } from "../../domain/ports.ts";
import type { TaskResult } from "../../domain/task.ts";
import { LruMap } from "../../shared/lru-map.ts";
import { IsolateCall, type IsolateTarget, toCandidateTarget, toTarget } from "./isolate-call.ts";
import type { IsolateCode } from "./isolate-code.ts";
import { toIsolateFailure } from "./isolate-failure.ts";
import {
  ISOLATE_ENTRYPOINT,
  type IsolateMethods,
  type IsolateSettings,
  type Reply,
} from "./protocol.ts";
import { readStream } from "./read-stream.ts";
import { fromWireError } from "./wire-error.ts";
import { fromWireTensors, toWireTensors } from "./wire-tensors.ts";
import { fromWireValue, toWireValue } from "./wire-value.ts";
import { WorkerSession } from "./worker-session.ts";

export interface IsolateHostOptions {
  readonly loader: WorkerLoader;
  readonly code: IsolateCode;
  readonly settings: IsolateSettings;
  readonly store: Pick<ModelStore, "file">;
}

/** What this isolate of the Worker knows of the isolate of a model. */
interface KnownIsolate {
  readonly id: ModelId;
  state: ModelState;
  /** Calls that began when the model was not known to be loaded. */
  loading: number;
}

/** Bounds the isolates whose state is kept. */
const MAX_KNOWN = 1000;
/** So many distinct dynamic Workers may be in flight for one request on Cloudflare. */
const MAX_AT_ONCE = 4;
/** The least CPU time of a call: a client with a short deadline must not end the isolate for all. */
const MIN_CPU_MS = 5_000;
/** Of a call without a deadline. */
const MAX_CPU_MS = 30_000;

/** The host whose models run in isolates of their own, behind the Worker Loader. */
export function createIsolateHost({
  loader,
  code,
  settings,
  store,
}: IsolateHostOptions): ModelHost {
  const known = new LruMap<string, KnownIsolate>(MAX_KNOWN);
  const environment = Object.values(settings).join("-");

  /** The isolate of a model: one for all requests, also of other isolates of this Worker. */
  function methodsOf(digest: string, timeoutMs = MAX_CPU_MS): IsolateMethods {
    const stub = loader.get(`${code.digest}-${digest}-${environment}`, () => ({
      compatibilityDate: code.compatibilityDate,
      mainModule: code.mainModule,
      modules: code.modules,
      env: { SETTINGS: settings },
      globalOutbound: null,
    }));
    const cpuMs = Math.ceil(Math.max(MIN_CPU_MS, timeoutMs));
    const entrypoint: unknown = stub.getEntrypoint(ISOLATE_ENTRYPOINT, { limits: { cpuMs } });
    return entrypoint as IsolateMethods;
  }

  function recall({ digest, id }: IsolateTarget): KnownIsolate {
    const found = known.get(digest);
    if (found) return found;
    const isolate: KnownIsolate = { id, state: { state: "absent" }, loading: 0 };
    known.set(digest, isolate);
    return isolate;
  }

  /**
   * One call of the isolate's methods.
   * @throws ApiError what the isolate replies, and that of {@link toIsolateFailure} when it has ended
   */
  async function ask<T>(
    asked: IsolateCall,
    work: (methods: IsolateMethods, session: WorkerSession) => Promise<Reply<T>>,
  ): Promise<T> {
    const { target, call } = asked;
    const isolate = recall(target);
    const isCold = isolate.state.state !== "ready";
    if (isCold) isolate.loading += 1;
    try {
      const methods = methodsOf(target.digest, asked.head.timeoutMs);
      const replying = work(methods, new WorkerSession(asked));
      // A load continues when its request ends.
      if (isCold) call.waitUntil(replying.catch(() => undefined));
      const reply = await replying;
      asked.report(reply.report);
      if (!("error" in reply)) {
        isolate.state = { state: "ready" };
        return reply.value;
      }
      const error = fromWireError(reply.error);
      const { state } = reply.report;
      isolate.state = state === "failed" ? { state, error } : { state };
      throw error;
    } catch (error) {
      const failure = toIsolateFailure(error, target.id, call);
      if (failure !== error) isolate.state = { state: "absent" };
      throw failure;
    } finally {
      if (isCold) isolate.loading -= 1;
    }
  }

  const infer: Infer = async ({ model, inputs, outputs }, call) => {
    const asked = toPublishedCall(toTarget(model, store), call);
    const reply = await ask(asked, (methods, session) =>
      methods.infer(asked.head, toWireTensors(inputs), outputs, session),
    );
    return fromWireTensors(reply);
  };

  return {
    infer,
    async execute({ model, inputs, parameters, stream, runCached }, call): Promise<TaskResult> {
      const asked = toPublishedCall(toTarget(model, store), call, runCached);
      const isByClient = runCached && model.manifest.cache.scope === "key";
      const client = isByClient ? await call.principal.id() : undefined;
      const request = {
        inputs: toWireValue(inputs),
        parameters: toWireValue(parameters),
        stream,
        cache: runCached && { client },
      };
      const reply = await ask(asked, (methods, session) =>
        methods.execute(asked.head, request, session),
      );
      if (reply.kind === "stream") return { kind: "stream", parts: readStream(reply.lines, asked) };
      const { kind, value, form, usage } = reply;
      return { kind, value: await fromWireValue(value), form, usage };
    },
    async load(model, waitUntil) {
      const asked = new IsolateCall(toTarget(model, store), createCall({ waitUntil }));
      await ask(asked, (methods, session) => methods.load(asked.head, session));
    },
    async describe(candidate, waitUntil) {
      const target = toCandidateTarget(candidate, store);
      const asked = new IsolateCall(target, createCall({ waitUntil }));
      return ask(asked, (methods, session) => methods.describe(candidate, session));
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
        return await methodsOf(digest).unload(digest);
      } catch {
        // It has ended, which frees its memory as well.
        return true;
      }
    },
    async stats() {
      const all = [...known.entries()];
      const stats: IsolateStats[] = [];
      for (let start = 0; start < all.length; start += MAX_AT_ONCE)
        stats.push(
          ...(await Promise.all(
            all.slice(start, start + MAX_AT_ONCE).map(async ([digest, { id }]) => ({
              model: { ...id, digest },
              ...(await methodsOf(digest).stats()),
            })),
          )),
        );
      return stats;
    },
  };
}

function toPublishedCall(
  target: IsolateTarget,
  call: Call,
  runCached?: IsolateCall["runCached"],
): IsolateCall {
  call.trace.digest = target.digest;
  return new IsolateCall(target, call, runCached);
}

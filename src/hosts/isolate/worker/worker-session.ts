import { RpcTarget } from "cloudflare:workers";
import { isKeyOfModel } from "../../../cache/key.ts";
import { ApiError } from "../../../domain/errors.ts";
import type { Manifest } from "../../../domain/manifest.ts";
import { memberModels } from "../../../domain/member-models.ts";
import type { KnownProfile } from "../../../domain/monitoring/reference-profile.ts";
import type { PublishedModel } from "../../../domain/published-model.ts";
import type { Tensor } from "../../../domain/tensor.ts";
import { quote } from "../../../shared/quote.ts";
import type { CachedReply, OpenReply, RunReply, Session } from "../wire/protocol.ts";
import { fromWireError, toWireError, type WireError } from "../wire/wire-error.ts";
import { toWireTensors } from "../wire/wire-tensors.ts";
import type { IsolateCall } from "./isolate-call.ts";
import { parseOutputs } from "./parse-outputs.ts";
import { parseReport } from "./parse-reply.ts";

/**
 * The session of one call: the isolate of a model reaches the files of its version, the cache by way of its own runs, the
 * client's connection, and nothing else. Every method can be called by whatever runs in the isolate, with any arguments.
 */
export class WorkerSession extends RpcTarget implements Session {
  readonly #isolateCall: IsolateCall;

  constructor(isolateCall: IsolateCall) {
    super();
    this.#isolateCall = isolateCall;
  }

  async manifest(): Promise<Manifest> {
    this.#use();
    return this.#model.manifest;
  }

  async profile(): Promise<KnownProfile | undefined> {
    this.#use();
    return this.#model.profile;
  }

  async open(path: string): Promise<OpenReply> {
    const { paths, open } = this.#use().target;
    if (!paths.has(path))
      throw new Error(
        `the isolate of a model may read ${[...paths].join(", ")}, and requested ${quote(String(path))}`,
      );
    try {
      const file = await open(path);
      if (file) this.#isolateCall.onOpen(file);
      return { file: file && { sizeBytes: file.sizeBytes, body: file.body } };
    } catch (error) {
      return { error: toWireError(error) };
    }
  }

  async runCached(
    key: string,
    outputs: readonly string[],
    run: () => Promise<RunReply>,
  ): Promise<CachedReply> {
    const isolateCall = this.#use();
    if (!isolateCall.runCached) throw new Error("the call does not use the cache");
    const { manifest } = this.#model;
    if (!isKeyOfModel(key, manifest)) throw new Error("the key is not one of the model");
    const names = memberModels(manifest).flatMap((model) => model.outputs.map(({ name }) => name));
    if (!Array.isArray(outputs) || !outputs.every((name) => names.includes(name)))
      throw new Error("the model does not have these outputs");
    let isOwn = false;
    const runInIsolate = async (): Promise<readonly Tensor[]> => {
      const reply = await run();
      isolateCall.report(parseReport(reply.report));
      if ("error" in reply) throw fromWireError(reply.error);
      isOwn = true;
      if (!reply.outputs) throw new OutputsKept();
      return parseOutputs(reply.outputs, outputs);
    };
    try {
      const found = await isolateCall.runCached(
        { model: this.#model, outputs, key: async () => key, run: runInIsolate },
        isolateCall.call,
      );
      if (isOwn) return { own: true };
      const isHit = isolateCall.call.trace.cache.outcome === "hit";
      return { outputs: toWireTensors(found), isHit };
    } catch (error) {
      return isOwn ? { own: true } : { error: toWireError(error) };
    }
  }

  async reserveTokens(more: number): Promise<WireError | undefined> {
    const isolateCall = this.#use();
    if (!Number.isSafeInteger(more) || more < 1)
      throw new Error(`tokens are reserved in whole numbers; got ${quote(String(more))}`);
    try {
      await isolateCall.reserveTokens(more);
      return undefined;
    } catch (error) {
      return toWireError(error);
    }
  }

  closed(): Promise<void> {
    return this.#isolateCall.left();
  }

  /** @throws Error when the call has ended: an isolate might keep the session */
  #use(): IsolateCall {
    if (this.#isolateCall.isOver) throw new Error("the call has ended");
    return this.#isolateCall;
  }

  get #model(): PublishedModel {
    const { model } = this.#isolateCall.target;
    if (!model) throw new Error("the file is not published");
    return model;
  }
}

/** Ends the flight of a run whose outputs are too large for the cache: the isolate has them, and others run themselves. */
class OutputsKept extends ApiError {
  constructor() {
    super("internal", "The outputs of the run are too large to be shared.");
  }
}

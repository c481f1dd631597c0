import { RpcTarget } from "cloudflare:workers";
import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { StoredFile } from "../../domain/ports.ts";
import type { PublishedModel } from "../../domain/published-model.ts";
import type { Tensor } from "../../domain/tensor.ts";
import { quote } from "../../shared/quote.ts";
import type { IsolateCall } from "./isolate-call.ts";
import type { CachedReply, RunReply, Session } from "./protocol.ts";
import { fromWireError, toWireError } from "./wire-error.ts";
import { fromWireTensors, toWireTensors } from "./wire-tensors.ts";

/**
 * The session of one call: the isolate of a model reaches the files of its version, the cache by way of its own runs, the
 * client's connection, and nothing else. Every method can be called by whatever runs in the isolate, with any arguments.
 */
export class WorkerSession extends RpcTarget implements Session {
  readonly #asked: IsolateCall;

  constructor(asked: IsolateCall) {
    super();
    this.#asked = asked;
  }

  async manifest(): Promise<Manifest> {
    return this.#model.manifest;
  }

  async open(path: string): Promise<StoredFile | undefined> {
    const { paths, open } = this.#asked.target;
    if (paths.has(path)) return open(path);
    throw new Error(
      `the isolate of a model may read ${[...paths].join(", ")}, and asked for ${quote(path)}`,
    );
  }

  async runCached(
    key: string,
    outputs: readonly string[],
    run: () => Promise<RunReply>,
  ): Promise<CachedReply> {
    const asked = this.#asked;
    if (!asked.runCached) throw new Error("the call does not use the cache");
    let isOwn = false;
    const runInIsolate = async (): Promise<readonly Tensor[]> => {
      const reply = await run();
      asked.report(reply.report);
      if ("error" in reply) throw fromWireError(reply.error);
      isOwn = true;
      if (!reply.outputs) throw new OutputsKept();
      return fromWireTensors(reply.outputs);
    };
    try {
      const found = await asked.runCached(
        { model: this.#model, outputs, key: async () => key, run: runInIsolate },
        asked.call,
      );
      return isOwn ? { own: true } : { outputs: toWireTensors(found) };
    } catch (error) {
      return isOwn ? { own: true } : { error: toWireError(error) };
    }
  }

  async closed(): Promise<void> {
    const { signal } = this.#asked.call;
    if (signal.aborted) return;
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }

  get #model(): PublishedModel {
    const { model } = this.#asked.target;
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

// As a namespace: a runtime without `abortIsolate` would refuse to import it by its name.
import * as workers from "cloudflare:workers";
import type { WaitUntil } from "./domain/call.ts";
import type { CandidateModel } from "./domain/model-host.ts";
import type { ModelDescription, RuntimeStats } from "./domain/ports.ts";
import { createCellHost } from "./hosts/cell-host.ts";
import { IsolateServer } from "./hosts/isolate/model-isolate/isolate-server.ts";
import type {
  CallHead,
  IsolateEnv,
  IsolateMethods,
  IsolateSettings,
  Reply,
  SessionStub,
  WireInferRequest,
  WireTaskRequest,
  WireTaskResult,
} from "./hosts/isolate/wire/protocol.ts";
import type { WireTensors } from "./hosts/isolate/wire/wire-tensors.ts";
import { createAdmission } from "./inference/admission.ts";
import { createModelPool } from "./runtime/model-pool.ts";
import { createBudgetedDecoder } from "./tasks/image/budgeted-decoder.ts";
import { createTask } from "./tasks/registry.ts";
import { createPlatformTracing } from "./telemetry/platform-tracing.ts";

/**
 * The entry, and the composition root, of the isolate of a model. It is built apart (`scripts/build-model-isolate.ts`) and becomes a text module of the
 * Worker, which starts it by the Worker Loader. It has no bindings but its settings, and no network.
 */

interface IsolateOverrides {
  readonly createTask?: typeof createTask;
}

/** @param overrides replaces the creation of tasks */
function createServer(
  { budgetBytes, maxInFlight, maxQueueMs, timeoutMs }: IsolateSettings,
  { createTask: createTaskOf = createTask }: IsolateOverrides,
): IsolateServer {
  const runtime = createModelPool({ budgetBytes, budgetSetting: "OWN_ISOLATE_BUDGET_BYTES" });
  const tools = { decodeImage: createBudgetedDecoder(runtime) };
  return new IsolateServer({
    runtime,
    hostOf: createCellHost({
      runtime,
      createTask: (manifest, readFile) => createTaskOf(manifest, readFile, tools),
    }),
    admission: createAdmission({ maxInFlight, maxQueueMs, maxTimeoutMs: timeoutMs }),
    tracing: createPlatformTracing(),
    endIsolate: () => workers.abortIsolate?.(),
  });
}

/** The export `ModelIsolate` of an isolate's code. Its methods are called over RPC. */
export function createEntrypoint(overrides: IsolateOverrides = {}) {
  let server: IsolateServer | undefined;

  return class ModelIsolate extends workers.WorkerEntrypoint<IsolateEnv> implements IsolateMethods {
    readonly #waitUntil: WaitUntil = (work) => this.ctx.waitUntil(work);

    get #server(): IsolateServer {
      server ??= createServer(this.env.SETTINGS, overrides);
      return server;
    }

    infer(
      head: CallHead,
      request: WireInferRequest,
      session: SessionStub,
    ): Promise<Reply<WireTensors>> {
      return this.#server.infer(head, request, session, this.#waitUntil);
    }

    execute(
      head: CallHead,
      request: WireTaskRequest,
      session: SessionStub,
    ): Promise<Reply<WireTaskResult>> {
      return this.#server.execute(head, request, session, this.#waitUntil);
    }

    load(head: CallHead, session: SessionStub): Promise<Reply<undefined>> {
      return this.#server.load(head, session, this.#waitUntil);
    }

    describe(candidate: CandidateModel, session: SessionStub): Promise<Reply<ModelDescription>> {
      return this.#server.describe(candidate, session, this.#waitUntil);
    }

    async unload(digests: readonly string[]): Promise<boolean> {
      return this.#server.unload(digests, this.#waitUntil);
    }

    async dropKept(): Promise<number> {
      return this.#server.dropKept();
    }

    async stats(): Promise<RuntimeStats> {
      return this.#server.stats();
    }
  };
}

export const ModelIsolate = createEntrypoint();

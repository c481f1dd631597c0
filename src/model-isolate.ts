// As a namespace: a runtime without `abortIsolate` would refuse to import it by its name.
import * as workers from "cloudflare:workers";
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
  WireTaskRequest,
  WireTaskResult,
} from "./hosts/isolate/wire/protocol.ts";
import type { WireTensors } from "./hosts/isolate/wire/wire-tensors.ts";
import { createAdmission } from "./inference/admission.ts";
import { createModelPool } from "./runtime/model-pool.ts";
import { createBudgetedDecoder } from "./tasks/image/budgeted-decoder.ts";
import { createTask } from "./tasks/registry.ts";

/**
 * The entry, and the composition root, of the isolate of a model. It is built apart (`scripts/build-model-isolate.ts`) and becomes a text module of the
 * Worker, which starts it by the Worker Loader. It has no bindings but its settings, and no network.
 */
let server: IsolateServer | undefined;

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
    endIsolate: () => workers.abortIsolate?.(),
  });
}

/** The export `ModelIsolate` of an isolate's code. Its methods are called over RPC. */
export function createEntrypoint(overrides: IsolateOverrides = {}) {
  const serverOf = (settings: IsolateSettings): IsolateServer => {
    server ??= createServer(settings, overrides);
    return server;
  };

  return class ModelIsolate extends workers.WorkerEntrypoint<IsolateEnv> implements IsolateMethods {
    infer(
      head: CallHead,
      inputs: WireTensors,
      outputs: readonly string[] | undefined,
      session: SessionStub,
    ): Promise<Reply<WireTensors>> {
      return serverOf(this.env.SETTINGS).infer(head, inputs, outputs, session, (work) =>
        this.ctx.waitUntil(work),
      );
    }

    execute(
      head: CallHead,
      request: WireTaskRequest,
      session: SessionStub,
    ): Promise<Reply<WireTaskResult>> {
      return serverOf(this.env.SETTINGS).execute(head, request, session, (work) =>
        this.ctx.waitUntil(work),
      );
    }

    load(head: CallHead, session: SessionStub): Promise<Reply<undefined>> {
      return serverOf(this.env.SETTINGS).load(head, session, (work) => this.ctx.waitUntil(work));
    }

    describe(candidate: CandidateModel, session: SessionStub): Promise<Reply<ModelDescription>> {
      return serverOf(this.env.SETTINGS).describe(candidate, session, (work) =>
        this.ctx.waitUntil(work),
      );
    }

    async unload(digest: string): Promise<boolean> {
      return serverOf(this.env.SETTINGS).unload(digest, (work) => this.ctx.waitUntil(work));
    }

    async stats(): Promise<RuntimeStats> {
      return serverOf(this.env.SETTINGS).stats();
    }
  };
}

export const ModelIsolate = createEntrypoint();

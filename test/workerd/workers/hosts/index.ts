/// <reference path="../../../../worker-configuration.d.ts" />
import { createApp } from "../../../../src/app.ts";
import { createEntryStore } from "../../../../src/cache/entry-store.ts";
import { createServices } from "../../../../src/deps.ts";
import type { ModelHost, RunCached } from "../../../../src/domain/model-host.ts";
import type { ModelStore } from "../../../../src/domain/ports.ts";
import { createCellHost } from "../../../../src/hosts/cell-host.ts";
import { createIsolateHost } from "../../../../src/hosts/isolate/worker/isolate-host.ts";
import { createPlacedHost } from "../../../../src/hosts/placed-host.ts";
import { createRunCached } from "../../../../src/inference/run-cached.ts";
import { createIsolateCode } from "../../../../src/isolate-code.ts";
import { type Catalog, createCatalog } from "../../../../src/registry/catalog.ts";
import { createModelPool } from "../../../../src/runtime/model-pool.ts";
import { fileKey } from "../../../../src/storage/model-keys.ts";
import { createModelStore } from "../../../../src/storage/model-store.ts";
import { createR2ObjectStore } from "../../../../src/storage/r2-object-store.ts";
import { createBudgetedDecoder } from "../../../../src/tasks/image/budgeted-decoder.ts";
import { createTestTask } from "../../isolates/test-task.ts";
import type { HostAnswer, HostCall } from "./call.ts";
import { callHost, type HostUnderTest, toTestError } from "./call-host.ts";

/**
 * The hosts side by side, over one bucket and one Worker Loader, for their contract: `POST /hosts/{host}/{method}` with a
 * {@link HostCall} returns a {@link HostAnswer}. `isolates-again` knows nothing of what `isolates` has called, as another isolate of
 * the Worker would. Every other path is the project's Worker with the test task.
 */
export const HOSTS = ["cells", "isolates", "isolates-again", "placed"] as const;
export type HostName = (typeof HOSTS)[number];

export interface HostsEnv extends Env {
  /** The code of the isolates of models. */
  readonly ISOLATE: string;
}

const BUDGET_BYTES = 112 * 2 ** 20;
const CACHE_BYTES = 8_388_608;

interface State {
  readonly catalog: Catalog;
  readonly hosts: Readonly<Record<HostName, HostUnderTest>>;
}

let state: State | undefined;
let app: ReturnType<typeof createApp> | undefined;

function create(env: HostsEnv): State {
  const store = createModelStore(createR2ObjectStore(failing(env.MODELS)));
  const code = createIsolateCode(env.ISOLATE);
  const limits = { maxInFlight: 128, maxQueueMs: 1_000_000, timeoutMs: 600_000 };
  const entries = createEntryStore([], undefined, {
    localBytes: CACHE_BYTES,
    maxEntryBytes: CACHE_BYTES,
    readTimeoutMs: 1000,
  });
  const cached = (host: ModelHost): HostUnderTest => {
    const runCached: RunCached = createRunCached(host, entries, {
      enabled: true,
      remoteTiers: "auto",
    });
    return { host, runCached };
  };
  const isolates = (): ModelHost =>
    createIsolateHost({
      loader: env.LOADER,
      code,
      store,
      settings: { ...limits, budgetBytes: BUDGET_BYTES },
    });
  const { host: placed } = createPlacedHost({
    cells: createCells(store),
    isolates: isolates(),
    rules: { placement: "auto", ownFromBytes: 65_536 },
  });
  return {
    catalog: createCatalog(store, { listingTtlSeconds: 0 }),
    hosts: {
      cells: cached(createCells(store)),
      isolates: cached(isolates()),
      "isolates-again": cached(isolates()),
      placed: cached(placed),
    },
  };
}

function createCells(store: Pick<ModelStore, "file">): ModelHost {
  const runtime = createModelPool({
    budgetBytes: BUDGET_BYTES,
    budgetSetting: "OWN_ISOLATE_BUDGET_BYTES",
  });
  const tools = { decodeImage: createBudgetedDecoder(runtime) };
  return createCellHost({
    runtime,
    createTask: (manifest, readFile) => createTestTask(manifest, readFile, tools),
  })(store);
}

/** A bucket that fails to read the models named `unreadable`. */
function failing(bucket: R2Bucket): R2Bucket {
  const get = async (key: string): Promise<R2ObjectBody | null> => {
    if (key === fileKey({ name: "unreadable", version: "1" }, "model.onnx"))
      throw new Error("get: We encountered an internal error. Please try again. (10001)");
    return bucket.get(key);
  };
  return new Proxy(bucket, {
    get(target, property) {
      if (property === "get") return get;
      const value = Reflect.get(target, property);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function answer(
  env: HostsEnv,
  [host = "", method = ""]: readonly string[],
  asked: HostCall,
  context: ExecutionContext,
): Promise<HostAnswer> {
  state ??= create(env);
  const under = state.hosts[host as HostName];
  if (!under) throw new Error(`there is no host ${host}`);
  const model = await state.catalog.resolve(asked.name, asked.version);
  return callHost(under, method, asked, model, context);
}

export default {
  async fetch(request, env, context) {
    const [, root, ...rest] = new URL(request.url).pathname.split("/");
    if (root !== "hosts") {
      app ??= createApp(
        createServices(env, {
          createTask: createTestTask,
          isolateCode: createIsolateCode(env.ISOLATE),
        }),
      );
      return app.fetch(request, env, context);
    }
    try {
      return Response.json(await answer(env, rest, await request.json(), context));
    } catch (error) {
      return Response.json(toTestError(error), { status: 500 });
    }
  },
} satisfies ExportedHandler<HostsEnv>;

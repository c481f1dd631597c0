import { readdirSync } from "node:fs";
import { basename, extname, join } from "node:path";
import type { Miniflare, V4ModuleDefinition } from "miniflare";
import { createAssetsWorker } from "./assets-worker.ts";
import { buildWorker } from "./build-worker.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";
import { importMiniflare, importWrangler, type WorkerProject } from "./worker-project.ts";

const WORKER_NAME = "onnxflare";

export type ModelBucket = Awaited<ReturnType<Miniflare["getR2Bucket"]>>;
export type KeyValueStore = Awaited<ReturnType<Miniflare["getKVNamespace"]>>;

export interface LogLine {
  /** The console method that the Worker called: debug, error, info, log, warn. */
  level: string;
  message: string;
}

export interface LocalWorkerOptions {
  /** An output folder of `buildWorker`; default: the Worker is built first. */
  outdir?: string;
  /** 0 selects a free port. */
  port?: number;
  host?: string;
  /** Folder of the data of R2, KV and Durable Objects; default: the data is discarded with the Worker. */
  statePath?: string;
  /** Secrets and variables in addition to those of wrangler.toml. `.dev.vars` is not read. */
  vars?: Record<string, string>;
  /** Variables for those that neither wrangler.toml nor `vars` have. */
  defaults?: Record<string, string>;
  /** Compatibility flags in addition to those of wrangler.toml. */
  compatibilityFlags?: readonly string[];
  /** Names of bindings of wrangler.toml that the Worker does not get. */
  withoutBindings?: readonly string[];
  onLog?: (line: LogLine) => void;
  /** Whether the isolates can be inspected, at `miniflare.getInspectorURL()`. */
  inspected?: boolean;
  /** Called when workerd has ended unexpectedly and serves again: on the same port, with the same data. */
  onRestart?: () => void;
}

export interface LocalWorker {
  url: URL;
  /** `limits.cpu_ms` of wrangler.toml, which only Cloudflare's network enforces. */
  cpuLimitMs: number | undefined;
  /** The variables of the Worker, some of which are secrets. */
  vars: Readonly<Record<string, unknown>>;
  miniflare: Miniflare;
  bucket(binding?: string): Promise<ModelBucket>;
  kv(binding: string): Promise<KeyValueStore>;
  /** Runs the Worker's Cron Trigger, as Cloudflare does at its times. */
  runScheduled(): Promise<void>;
  dispose(): Promise<void>;
}

/** Starts the built Worker of a project in workerd with the bindings of wrangler.toml, all simulated on this machine. */
export async function startLocalWorker(
  project: WorkerProject,
  options: LocalWorkerOptions = {},
): Promise<LocalWorker> {
  const { outdir = await buildInTemporaryFolder(project), port = 0, host = "127.0.0.1" } = options;
  const { onLog = () => {}, statePath, vars = {}, compatibilityFlags = [], onRestart } = options;
  const { inspected = false, withoutBindings = [], defaults = {} } = options;
  const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = await importWrangler(project);
  const { convertV4MiniflareOptions, Miniflare } = await importMiniflare(project);
  const config = unstable_readConfig({ config: project.configFile });
  const { assets, ...withoutAssets } = config;
  const { modulesRules: _, ...workerOptions } = unstable_getMiniflareWorkerOptions({
    ...withoutAssets,
    // Wrangler reads .dev.vars from the folder of this file, which must not affect a test.
    userConfigPath: join(outdir, "wrangler.toml"),
  }).workerOptions;
  const workerVars = { ...defaults, ...config.vars, ...vars };
  const { workers: assetsWorkers, services } = createAssetsWorker(project, assets);
  const mainWorker = {
    ...omitBindings(withServices(workerOptions, services), withoutBindings),
    name: WORKER_NAME,
    rootPath: outdir,
    modulesRoot: outdir,
    modules: listModules(outdir, config.main),
    bindings: workerVars,
    compatibilityFlags: [...config.compatibility_flags, ...compatibilityFlags],
    // Bypasses Miniflare's entry worker, which reduces the requests per second by a factor of four.
    unsafeDirectSockets: [{ host, port }],
  };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      workers: [mainWorker, ...assetsWorkers],
      port: 0,
      // Otherwise Miniflare fetches the `request.cf` of this machine over the network.
      cf: false,
      handleStructuredLogs: onLog,
      ...(onRestart && { unsafeHandleRuntimeRestart: onRestart }),
      ...(inspected ? { inspectorPort: 0 } : {}),
      ...(statePath === undefined ? {} : { resourcePersistencePath: statePath }),
    }),
  );
  await miniflare.ready;
  return {
    url: await miniflare.unsafeGetDirectURL(WORKER_NAME),
    cpuLimitMs: config.limits?.cpu_ms,
    vars: workerVars,
    miniflare,
    bucket: (binding = "MODELS") => miniflare.getR2Bucket(binding, WORKER_NAME),
    kv: (binding) => miniflare.getKVNamespace(binding, WORKER_NAME),
    async runScheduled() {
      const target = await miniflare.getWorker(WORKER_NAME);
      const { outcome } = await target.scheduled({ scheduledTime: new Date() });
      if (outcome !== "ok") throw new Error(`the scheduled run has ended: ${outcome}`);
    },
    dispose: () => miniflare.dispose(),
  };
}

/** Adds service bindings to other Workers. */
function withServices(
  workerOptions: Readonly<Record<string, unknown>>,
  services: Readonly<Record<string, string>>,
): object {
  return {
    ...workerOptions,
    serviceBindings: { ...(workerOptions.serviceBindings as object | undefined), ...services },
  };
}

/** The options of each kind of binding are an object with the bindings' names. */
function omitBindings<T extends object>(workerOptions: T, names: readonly string[]): T {
  if (names.length === 0) return workerOptions;
  const isNamed = (option: unknown): option is object =>
    typeof option === "object" && option !== null && !Array.isArray(option);
  const kept = Object.entries(workerOptions).map(([kind, option]) => {
    if (!isNamed(option)) return [kind, option];
    return [
      kind,
      Object.fromEntries(Object.entries(option).filter(([name]) => !names.includes(name))),
    ];
  });
  return Object.fromEntries(kept);
}

async function buildInTemporaryFolder(project: WorkerProject): Promise<string> {
  const outdir = createTemporaryFolder("build");
  await buildWorker(project, outdir);
  return outdir;
}

/** Wrangler's default module rules, for the files of a bundle beside its entry. */
const MODULE_TYPES: Record<string, "CompiledWasm" | "Data" | "Text"> = {
  ".wasm": "CompiledWasm",
  ".bin": "Data",
  ".txt": "Text",
  ".html": "Text",
  ".sql": "Text",
};

/**
 * The modules of a build by `wrangler deploy --dry-run`.
 * @param main the source of the entry, whose name the bundle has
 */
export function listModules(outdir: string, main = "index.ts"): V4ModuleDefinition[] {
  const name = `${basename(main, extname(main))}.js`;
  const entry = { type: "ESModule", path: join(outdir, name) } as const;
  const imported = readdirSync(outdir).flatMap((file) => {
    const type = MODULE_TYPES[extname(file)];
    return type ? [{ type, path: join(outdir, file) }] : [];
  });
  return [entry, ...imported];
}

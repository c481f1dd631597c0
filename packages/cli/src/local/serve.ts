import { randomUUID } from "node:crypto";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { buildWorker } from "./build-worker.ts";
import { keyRingOf } from "./encryption.ts";
import { endWithParent } from "./end-with-parent.ts";
import type { LogLine } from "./local-worker.ts";
import { type FolderModel, scanModelFolder } from "./model-folder.ts";
import { readSecrets } from "./secrets.ts";
import { markReady, readyObject, seedFolder, withRetries } from "./seed.ts";
import { isServingNode, SERVING_NODE } from "./serving-node.ts";
import { openStateFolder } from "./state-folder.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";
import { reason, UserError } from "./user-error.ts";
import { isWatchdogEvent, parseCpuLimit, watchWorker } from "./watch-worker.ts";
import type { WorkerProject } from "./worker-project.ts";

export interface ServeOptions {
  /** Port on 127.0.0.1; 0 selects a free port. */
  readonly port?: string | undefined;
  /** Folder of the simulated R2, KV and Durable Objects. */
  readonly state?: string | undefined;
  /** Folder of the models to seed. */
  readonly models?: string | undefined;
  /** CPU time in milliseconds after which a run without an end is ended, 0 for none. */
  readonly cpuMs?: string | undefined;
  /** Whether anybody may predict: "true" or "false". */
  readonly publicPredict?: string | undefined;
}

/**
 * The options of the environment.
 *
 * PORT              default 8787
 * ONNXFLARE_STATE   default .onnxflare/state
 * ONNXFLARE_MODELS  default models
 * ONNXFLARE_CPU_MS  default cpu_ms of wrangler.toml
 * PUBLIC_PREDICT    default that of .dev.vars or wrangler.toml, and else true
 */
export function serveOptionsOf(env: NodeJS.ProcessEnv): ServeOptions {
  const { PORT: port, ONNXFLARE_STATE: state, ONNXFLARE_MODELS: models } = env;
  const { PUBLIC_PREDICT: publicPredict } = env;
  return { port, state, models, cpuMs: env.ONNXFLARE_CPU_MS, publicPredict };
}

const HOST = "127.0.0.1";
const DEFAULT_PORT = 8787;
const EXAMPLE_MODEL = "iris-logistic";

/**
 * `npm start` and `onnxflare dev`: builds the Worker of a project, seeds its models and serves them on this machine until
 * the process ends.
 * @throws UserError
 */
export async function serve(project: WorkerProject, options: ServeOptions): Promise<void> {
  // Stopping the server is not a failure. `exit` listeners stop everything that was started, whether the
  // signal arrives while building, seeding or serving. It may arrive twice, from the terminal and from the parent.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(0));
  endWithParent();
  assertNodeServes();
  const port = parsePort(options.port);
  const modelsFolder = resolve(options.models || join(project.folder, "models"));
  parseCpuLimit(options.cpuMs, undefined);
  const given = parsePublicPredict(options.publicPredict);
  const folder = scanModelFolder(modelsFolder);
  if (folder.models.length === 0 && folder.problems.length > 0) throw noModel(folder.problems);
  await assertPortIsFree(port);
  const statePath = await openStateFolder(
    options.state || join(project.folder, ".onnxflare", "state"),
  );
  const vars = readSecrets(project);
  const keys = keyRingOf(vars);

  const ready = readyObject(randomUUID());

  console.log("building the Worker ...");
  const outdir = createTemporaryFolder("build");
  await buildWorker(project, outdir);
  // Miniflare and wrangler take most of a second to import; a setting that is wrong is refused before.
  const { startLocalWorker } = await import("./local-worker.ts");
  const worker = await startLocalWorker(project, {
    outdir,
    host: HOST,
    port,
    statePath,
    vars: { ...vars, ...given, READY_OBJECT: ready },
    // Nobody else reaches this machine's own address, and one command is enough to try a model.
    defaults: { PUBLIC_PREDICT: "true" },
    onLog: printLog,
    onRestart: () => console.error(`onnxflare: workerd serves again on ${worker.url.origin}`),
  });
  const limitMs = parseCpuLimit(options.cpuMs, worker.cpuLimitMs);
  watchWorker(worker.url, limitMs, console.error);
  runDaily(() => worker.runScheduled());
  const { seeded, unchanged, deleted, problems, names } = await seedFolder(
    worker.bucket,
    folder,
    console.log,
    keys,
  );
  const count = await withRetries(() => countModels(worker.url, names, vars.ADMIN_KEY));
  if (count === 0 && problems.length > 0) throw noModel(problems);
  await withRetries(async () => markReady(await worker.bucket(), ready));
  const failed = problems.length > 0 ? `, ${problems.length} not valid` : "";
  const left = deleted > 0 ? `, ${deleted} deleted` : "";
  console.log(`models: ${seeded} seeded, ${unchanged} unchanged${left}${failed}\n`);
  const isPublic = worker.vars.PUBLIC_PREDICT === "true";
  console.log(`PUBLIC_PREDICT = "${isPublic}": ${isPublic ? OPEN : CLOSED}\n`);
  const key = vars.ADMIN_KEY ? "with ADMIN_KEY of .dev.vars" : "which needs ADMIN_KEY in .dev.vars";
  console.log(`dashboard: ${worker.url.origin}/dashboard, ${key}\n`);
  console.log(`onnxflare serves ${count} models on ${worker.url.origin} - try:\n`);
  console.log(`  ${exampleCommand(worker.url, folder.models, isPublic)}\n`);
  if (problems.length === 0) return;
  console.error(`onnxflare: of ${modelsFolder}, these were not seeded:`);
  for (const problem of problems) console.error(`  ${problem}`);
}

const OPEN =
  "whoever reaches this address may predict without a key. A deployed Worker requires one by default.";
const CLOSED =
  "predictions require a key, such as ADMIN_KEY of .dev.vars, as they do by default of a deployed Worker.";

const DAY_MS = 86_400_000;

/** Miniflare runs no Cron Trigger by itself. */
function runDaily(run: () => Promise<void>): void {
  const failed = (error: unknown): void =>
    console.error(`onnxflare: the daily run failed (${reason(error)})`);
  setInterval(() => run().catch(failed), DAY_MS).unref();
}

function assertNodeServes(): void {
  const { node } = process.versions;
  if (isServingNode(node)) return;
  throw new UserError(
    `serving needs ${SERVING_NODE}, and this is Node ${node}; npm start, in the folder of a project, uses the one that npm install adds to it`,
  );
}

/** The end of a start that has nothing to serve. */
function noModel(problems: readonly string[]): UserError {
  if (problems.length === 1) return new UserError(String(problems[0]));
  return new UserError(["no model can be seeded:", ...problems].join("\n  "));
}

function parsePort(text = ""): number {
  if (text === "") return DEFAULT_PORT;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new UserError(`PORT must be a number from 0 to 65535; got ${JSON.stringify(text)}`);
}

/** @throws UserError */
function parsePublicPredict(text = ""): { PUBLIC_PREDICT?: string } {
  if (text === "") return {};
  if (text === "true" || text === "false") return { PUBLIC_PREDICT: text };
  throw new UserError(`PUBLIC_PREDICT must be true or false; got ${JSON.stringify(text)}`);
}

function assertPortIsFree(port: number): Promise<void> {
  const probe = createServer();
  return new Promise((free, rejected) => {
    probe.once("error", (error: NodeJS.ErrnoException) => {
      const problem =
        error.code === "EADDRINUSE" ? "is in use" : `can't be used (${reason(error)})`;
      rejected(new UserError(`port ${port} ${problem}; set PORT to another one`));
    });
    probe.listen(port, HOST, () => probe.close(() => free()));
  });
}

/**
 * The number of models that are served, including those published through /admin in earlier runs. The Worker is asked for
 * them: Miniflare reads each property of a listed object in a synchronous call, during which nothing reads workerd's
 * output; a workerd that waits for that would never answer.
 * @param seeded names that the Worker's listing, which may be some seconds old, may lack
 */
async function countModels(
  url: URL,
  seeded: ReadonlySet<string>,
  adminKey: string | undefined,
): Promise<number> {
  const headers = adminKey ? { authorization: `Bearer ${adminKey}` } : {};
  const response = await fetch(new URL("/v2/models", url), { headers });
  // Without a key, a server on which nobody may predict does not tell.
  if (response.status === 401) return seeded.size;
  const { models } = (await response.json()) as { models: string[] };
  return seeded.union(new Set(models)).size;
}

/** A curl command: the example of the smallest model, or the list of models if there is no example. */
function exampleCommand(
  { origin }: URL,
  models: readonly FolderModel[],
  isPublic: boolean,
): string {
  const key = isPublic ? "" : " -H 'authorization: Bearer KEY'";
  const model =
    models.findLast(({ manifest }) => manifest.name === EXAMPLE_MODEL) ??
    models.find(({ manifest }) => manifest.example);
  if (!model?.manifest.example) return `curl -s ${origin}/v2/models${key}`;
  const { name, example } = model.manifest;
  const body = JSON.stringify({
    inputs: example.inputs,
    parameters: example.parameters,
  }).replaceAll("'", "'\\''");
  return `curl -s ${origin}/models/${name} -H 'content-type: application/json'${key} -d '${body}'`;
}

function printLog(line: LogLine): void {
  if (isWatchdogEvent(line)) return;
  const { level, message } = line;
  if (level === "error" || level === "warn") console.error(message);
  else console.log(message);
}

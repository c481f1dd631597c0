import { type AddressInfo, createServer } from "node:net";
import { readWorkerd } from "../bench/workerd-process.ts";
import { seedModels } from "../packages/cli/src/local/seed.ts";
import { createTemporaryFolder } from "../packages/cli/src/local/temporary-folder.ts";
import { type LocalWorker, type LogLine, startLocalWorker } from "../scripts/local-worker.ts";
import { projectPath } from "../scripts/project.ts";
import { ADMIN_KEY } from "./admin-key.ts";
import { watchHeap } from "./heap-usage.ts";
import { HELPER_MODELS } from "./samples/helper-models.ts";

/** The built Worker in workerd, which is started again when it has ended. */
export interface FuzzedService {
  readonly port: number;
  /** Whether workerd still runs, and has not ended and been started again by Miniflare. */
  isRunning(): boolean;
  /** Resident memory of workerd; `undefined` while it does not run. */
  residentBytes(): number | undefined;
  /** Memory of the Worker's isolate; `undefined` while it does not run. */
  heapBytes(): Promise<number | undefined>;
  /** Ends workerd if it still runs, and starts it with the models that were published. */
  restart(): Promise<void>;
  dispose(): Promise<void>;
}

export interface FuzzedServiceOptions {
  /** The folder of the built Worker. */
  readonly outdir: string;
  /** Settings besides those of wrangler.toml and the key. */
  readonly vars?: Readonly<Record<string, string>> | undefined;
  readonly onLog: (line: LogLine) => void;
}

/** Starts the Worker with the settings of a deployment, the models of `models/` and those that the kinds need. */
export async function startFuzzedService({
  outdir,
  vars,
  onLog,
}: FuzzedServiceOptions): Promise<FuzzedService> {
  const statePath = createTemporaryFolder("fuzz-state");
  // Miniflare keeps a port that is given when it starts workerd again.
  const port = await findFreePort();
  let ended = false;
  const onRestart = (): void => {
    ended = true;
  };
  const start = (): Promise<LocalWorker> =>
    startLocalWorker({
      port,
      onRestart,
      outdir,
      statePath,
      vars: { ...vars, ADMIN_KEY },
      onLog,
      inspected: true,
    });
  let worker = await start();
  let heap = await watchHeap(await worker.miniflare.getInspectorURL());
  await seedModels(await worker.bucket(), projectPath("models"));
  for (const [name, body] of Object.entries(HELPER_MODELS)) {
    const url = new URL(`/admin/models/${name}/versions/1`, worker.url);
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    const response = await fetch(url, { method: "PUT", headers, body });
    if (!response.ok) throw new Error(`publishing ${name} failed: ${await response.text()}`);
  }
  const residentBytes = (): number | undefined => {
    try {
      // A process that has ended has none.
      return readWorkerd().residentBytes || undefined;
    } catch {
      return undefined;
    }
  };
  return {
    get port() {
      return Number(worker.url.port);
    },
    isRunning: () => !ended && residentBytes() !== undefined,
    residentBytes,
    heapBytes: () => heap.read(),
    async restart() {
      heap.close();
      // Miniflare's end of a process that has crashed already may fail.
      await worker.dispose().catch(() => {});
      worker = await start();
      ended = false;
      heap = await watchHeap(await worker.miniflare.getInspectorURL());
    },
    dispose() {
      heap.close();
      return worker.dispose();
    },
  };
}

function findFreePort(): Promise<number> {
  const probe = createServer();
  return new Promise((found, failed) => {
    probe.once("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => found(port));
    });
  });
}

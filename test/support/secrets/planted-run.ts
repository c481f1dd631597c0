import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { createTemporaryFolder } from "../../../packages/cli/src/local/temporary-folder.ts";
import { type LocalWorker, type LogLine, startLocalWorker } from "../../../scripts/local-worker.ts";
import type { PlantedRequest } from "./planted-requests.ts";
import { readStoredState, type StoredPiece } from "./stored-state.ts";

/** A request with its response, of which nothing is parsed. */
export interface Exchange extends PlantedRequest {
  readonly status: number;
  /** One line each. */
  readonly responseHeaders: string;
  readonly responseBody: Buffer;
}

/** A Worker of which everything is kept that leaves it: responses, its console, and what it stores. */
export interface PlantedRun {
  readonly worker: LocalWorker;
  readonly url: URL;
  readonly logs: readonly LogLine[];
  readonly exchanges: readonly Exchange[];
  send(request: PlantedRequest): Promise<Exchange>;
  /** Several at a time. */
  sendAll(requests: readonly PlantedRequest[]): Promise<void>;
  /** What is stored from now on is of interest: the files of models are large. */
  startOfStorage(): void;
  /** Ends the Worker, and reads what it stored. */
  end(): Promise<StoredPiece[]>;
}

const AT_ONCE = 8;

export async function startPlantedRun(
  outdir: string,
  vars: Record<string, string>,
): Promise<PlantedRun> {
  const statePath = createTemporaryFolder("planted");
  const logs: LogLine[] = [];
  const worker = await startLocalWorker({
    outdir,
    statePath,
    vars,
    onLog: (line) => void logs.push(line),
  });
  const exchanges: Exchange[] = [];
  let before = new Set<string>();
  let hasEnded = false;

  const send: PlantedRun["send"] = async (request) => {
    const url = `${worker.url.origin}${request.path}`;
    // A server may answer, and end the connection, without having read the body.
    const response = await fetch(url, request.init).catch(() => fetch(url, request.init));
    const exchange = {
      ...request,
      status: response.status,
      responseHeaders: [...response.headers].map(([name, value]) => `${name}: ${value}\n`).join(""),
      responseBody: Buffer.from(await response.arrayBuffer()),
    };
    exchanges.push(exchange);
    return exchange;
  };

  return {
    worker,
    url: worker.url,
    logs,
    exchanges,
    send,
    async sendAll(requests) {
      const waiting = requests.values();
      const next = async (): Promise<void> => {
        for (const request of waiting) await send(request);
      };
      await Promise.all(Array.from({ length: AT_ONCE }, next));
    },
    startOfStorage() {
      before = new Set(filesIn(statePath));
    },
    async end() {
      if (!hasEnded) await worker.dispose();
      hasEnded = true;
      return readStoredState(statePath, (path) => before.has(stamp(path)));
    },
  };
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => stamp(join(entry.parentPath, entry.name)));
}

function stamp(path: string): string {
  // SQLite removes a file of shared memory when it ends.
  const stat = statSync(path, { throwIfNoEntry: false });
  return `${path} ${stat?.size} ${stat?.mtimeMs}`;
}

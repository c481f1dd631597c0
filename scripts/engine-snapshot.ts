/// <reference path="../worker-configuration.d.ts" />
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fingerprint, PAGE_BYTES, type SnapshotHeader } from "../src/runtime/engine-snapshot.ts";
import { buildWorker } from "./build-worker.ts";
import { startLocalWorker } from "./local-worker.ts";
import { projectPath } from "./project.ts";
import { createTemporaryFolder } from "./temporary-folder.ts";
import { UserError } from "./user-error.ts";
import { writeWorkerEntry } from "./worker-entry.ts";

export const SNAPSHOT_FILE = projectPath("src", "runtime", "engine-snapshot.bin");

/** Differences are kept in blocks of this size: finer ones save little and take many more runs. */
const BLOCK_BYTES = 256;

/**
 * The smallest model there is: `y = Identity(x)`, one FP32 each, ONNX opset 21. To load it registers
 * everything that loading any other model does.
 */
export const WARM_UP_MODEL = Buffer.from(
  "CAo6PQoSCgF4EgF5IghJZGVudGl0eToAEgVncmFwaFoPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBVCDgoKYWkub25ueC5tbBAF",
  "base64",
);

/** An engine's memory at one moment. */
export interface EngineMemory {
  readonly bytes: Uint8Array;
  readonly stackPointer: number;
}

/** The engines of a Worker that is built and run as the project's own. */
export interface Engines {
  fresh(): Promise<EngineMemory>;
  started(): Promise<EngineMemory>;
  /** `undefined` when the snapshot does not fit. */
  restored(snapshot: Uint8Array<ArrayBuffer>): Promise<EngineMemory | undefined>;
  /** What an engine that is made from the snapshot can allocate before its memory has to grow. */
  freeBytes(snapshot: Uint8Array<ArrayBuffer>): Promise<number>;
  dispose(): Promise<void>;
}

export async function startEngines(): Promise<Engines> {
  const outdir = createTemporaryFolder("engine-memory");
  const entry = writeWorkerEntry(projectPath("scripts", "engine-memory-worker", "index.ts"));
  await buildWorker(outdir, entry);
  const worker = await startLocalWorker({ outdir });
  const send = (path: string, init?: RequestInit) => fetch(new URL(path, worker.url), init);
  const ask = async (path: string, init?: RequestInit): Promise<EngineMemory | undefined> => {
    const response = await send(path, init);
    if (response.status === 409) return undefined;
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    const stackPointer = Number(response.headers.get("x-stack-pointer"));
    return { bytes: new Uint8Array(await response.arrayBuffer()), stackPointer };
  };
  const demand = async (path: string, init?: RequestInit): Promise<EngineMemory> => {
    const memory = await ask(path, init);
    if (!memory) throw new Error(`${path} answered without a memory`);
    return memory;
  };
  return {
    fresh: () => demand("/fresh"),
    started: () => demand("/started", { method: "POST", body: WARM_UP_MODEL }),
    restored: (snapshot) => ask("/restored", { method: "POST", body: snapshot }),
    freeBytes: async (snapshot) => {
      const response = await send("/free", { method: "POST", body: snapshot });
      return (await response.json()) as number;
    },
    dispose: () => worker.dispose(),
  };
}

/** What the header says of the engine that is installed. */
export function engineIdentity(): Pick<SnapshotHeader, "onnxruntimeWeb" | "wasmSha256"> {
  const wasm = fileURLToPath(import.meta.resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm"));
  const { version } = JSON.parse(
    readFileSync(projectPath("node_modules", "onnxruntime-web", "package.json"), "utf8"),
  );
  const wasmSha256 = createHash("sha256").update(readFileSync(wasm)).digest("hex");
  return { onnxruntimeWeb: version, wasmSha256 };
}

/**
 * @returns the same bytes for the same two memories
 * @throws UserError when the start changes something outside of what a snapshot can restore
 */
export function toSnapshot(fresh: EngineMemory, started: EngineMemory): Uint8Array<ArrayBuffer> {
  if (started.bytes.byteLength !== fresh.bytes.byteLength)
    throw new UserError(
      `the engine's memory grows while it starts, from ${fresh.bytes.byteLength} to ${started.bytes.byteLength} bytes; a snapshot would have to grow it as well`,
    );
  if (started.stackPointer !== fresh.stackPointer)
    throw new UserError(
      `the engine's stack pointer is ${started.stackPointer} after the start instead of ${fresh.stackPointer}`,
    );
  const runs = changedRuns(fresh.bytes, started.bytes);
  const freshPages = usedPages(fresh.bytes);
  const header: SnapshotHeader = {
    ...engineIdentity(),
    memoryBytes: fresh.bytes.byteLength,
    stackPointer: fresh.stackPointer,
    freshPages,
    fingerprint: fingerprint(fresh.bytes, freshPages),
    runs,
  };
  const parts = runs.map(([address, length]) => started.bytes.subarray(address, address + length));
  return new Uint8Array(Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...parts]));
}

function changedRuns(before: Uint8Array, after: Uint8Array): [address: number, length: number][] {
  const runs: [address: number, length: number][] = [];
  for (let address = 0; address < after.byteLength; address += BLOCK_BYTES) {
    const end = address + BLOCK_BYTES;
    if (Buffer.compare(before.subarray(address, end), after.subarray(address, end)) === 0) continue;
    const last = runs.at(-1);
    if (last && last[0] + last[1] === address) last[1] += BLOCK_BYTES;
    else runs.push([address, BLOCK_BYTES]);
  }
  return runs;
}

function usedPages(bytes: Uint8Array): number[] {
  const pages = Array.from({ length: bytes.byteLength / PAGE_BYTES }, (_, page) => page);
  return pages.filter((page) =>
    bytes.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES).some((byte) => byte !== 0),
  );
}

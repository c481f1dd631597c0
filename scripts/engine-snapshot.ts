/// <reference path="../worker-configuration.d.ts" />
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createTemporaryFolder } from "../packages/cli/src/local/temporary-folder.ts";
import { UserError } from "../packages/cli/src/local/user-error.ts";
import { fingerprint, PAGE_BYTES, type SnapshotHeader } from "../src/runtime/engine-snapshot.ts";
import { buildWorker } from "./build-worker.ts";
import { startLocalWorker } from "./local-worker.ts";
import { projectPath } from "./project.ts";
import { writeWorkerEntry } from "./worker-entry.ts";

export const SNAPSHOT_FILE = projectPath("src", "runtime", "engine-snapshot.bin");

/** Differences are stored in blocks of this size: smaller ones save little and need many more entries. */
const BLOCK_BYTES = 256;

/**
 * A minimal model: `y = Identity(x)`, one FP32 element each, ONNX opset 21. Loading it registers
 * everything that loading any other model registers.
 */
export const WARM_UP_MODEL = Buffer.from(
  "CAo6PQoSCgF4EgF5IghJZGVudGl0eToAEgVncmFwaFoPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBVCDgoKYWkub25ueC5tbBAF",
  "base64",
);

/** The memory of an engine at one point in time. */
export interface EngineMemory {
  readonly bytes: Uint8Array;
  readonly stackPointer: number;
}

/** Creates engines in a Worker that is built and run like the project's own. */
export interface Engines {
  fresh(): Promise<EngineMemory>;
  started(): Promise<EngineMemory>;
  /** `undefined` when the snapshot does not match the engine. */
  restored(snapshot: Uint8Array<ArrayBuffer>): Promise<EngineMemory | undefined>;
  /** The bytes that an engine restored from the snapshot can allocate before its memory grows. */
  freeBytes(snapshot: Uint8Array<ArrayBuffer>): Promise<number>;
  dispose(): Promise<void>;
}

export async function startEngines(): Promise<Engines> {
  const outdir = createTemporaryFolder("engine-memory");
  const entry = writeWorkerEntry(projectPath("scripts", "engine-memory-worker", "index.ts"));
  await buildWorker(outdir, entry);
  const worker = await startLocalWorker({ outdir });
  const send = (path: string, init?: RequestInit) => fetch(new URL(path, worker.url), init);
  const read = async (path: string, init?: RequestInit): Promise<EngineMemory | undefined> => {
    const response = await send(path, init);
    if (response.status === 409) return undefined;
    if (!response.ok) throw new Error(`${path} responded ${response.status}`);
    const stackPointer = Number(response.headers.get("x-stack-pointer"));
    return { bytes: new Uint8Array(await response.arrayBuffer()), stackPointer };
  };
  const readExisting = async (path: string, init?: RequestInit): Promise<EngineMemory> => {
    const memory = await read(path, init);
    if (!memory) throw new Error(`${path} returned no memory`);
    return memory;
  };
  return {
    fresh: () => readExisting("/fresh"),
    started: () => readExisting("/started", { method: "POST", body: WARM_UP_MODEL }),
    restored: (snapshot) => read("/restored", { method: "POST", body: snapshot }),
    freeBytes: async (snapshot) => {
      const response = await send("/free", { method: "POST", body: snapshot });
      return (await response.json()) as number;
    },
    dispose: () => worker.dispose(),
  };
}

/** The fields of the header that identify the installed engine. */
export function engineIdentity(): Pick<SnapshotHeader, "onnxruntimeWeb" | "wasmSha256"> {
  const wasm = fileURLToPath(import.meta.resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm"));
  const { version } = JSON.parse(
    readFileSync(projectPath("node_modules", "onnxruntime-web", "package.json"), "utf8"),
  );
  const wasmSha256 = createHash("sha256").update(readFileSync(wasm)).digest("hex");
  return { onnxruntimeWeb: version, wasmSha256 };
}

/**
 * Computes the snapshot, deterministically, as the difference between two memories.
 * @throws UserError when the start changes state that a snapshot cannot restore
 */
export function toSnapshot(fresh: EngineMemory, started: EngineMemory): Uint8Array<ArrayBuffer> {
  if (started.bytes.byteLength !== fresh.bytes.byteLength)
    throw new UserError(
      `the engine's memory grows during its start from ${fresh.bytes.byteLength} to ${started.bytes.byteLength} bytes, which a snapshot cannot restore`,
    );
  if (started.stackPointer !== fresh.stackPointer)
    throw new UserError(
      `the engine's start changes its stack pointer from ${fresh.stackPointer} to ${started.stackPointer}, which a snapshot cannot restore`,
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

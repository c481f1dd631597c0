import { writeFileSync } from "node:fs";
import { SNAPSHOT_FILE, startEngines, toSnapshot } from "./engine-snapshot.ts";
import { exitWith } from "./user-error.ts";

/** `npm run snapshot`: makes the engine's snapshot anew, for the version of onnxruntime-web installed. */
await writeEngineSnapshot().catch(exitWith);

async function writeEngineSnapshot(): Promise<void> {
  const engines = await startEngines();
  try {
    const snapshot = toSnapshot(await engines.fresh(), await engines.started());
    writeFileSync(SNAPSHOT_FILE, snapshot);
    console.log(`wrote ${SNAPSHOT_FILE}: ${snapshot.byteLength} bytes`);
  } finally {
    await engines.dispose();
  }
}

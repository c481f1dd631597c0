import { writeFileSync } from "node:fs";
import { exitWith } from "../packages/cli/src/local/user-error.ts";
import { SNAPSHOT_FILE, startEngines, toSnapshot } from "./engine-snapshot.ts";

/** `npm run snapshot`: generates the engine's memory snapshot for the installed version of onnxruntime-web. */
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

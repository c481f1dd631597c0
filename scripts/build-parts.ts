import { exitWith } from "../packages/cli/src/local/user-error.ts";
import { buildAssets } from "./build-assets.ts";
import { buildModelIsolate } from "./build-model-isolate.ts";

/** What a deployment has besides the Worker's own code. Wrangler runs it before each build of the Worker (`[build]`). */
await Promise.all([buildModelIsolate(), buildAssets()]).catch(exitWith);

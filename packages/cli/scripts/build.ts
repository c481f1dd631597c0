import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildCli } from "./build-cli.ts";
import { buildWorkerPackage } from "./build-worker-package.ts";
import { writeTemplate } from "./write-template.ts";

/** `npm run build -w onnxflare`: makes what is published of the package. */
const packageFolder = dirname(dirname(fileURLToPath(import.meta.url)));
const repository = dirname(dirname(packageFolder));
const dist = join(packageFolder, "dist");

rmSync(dist, { recursive: true, force: true });
await buildCli(packageFolder, dist);
await buildWorkerPackage(dist);
writeTemplate(repository, dist);

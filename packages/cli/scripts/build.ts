import { join } from "node:path";
import { exitWith } from "../src/local/user-error.ts";
import { buildPackage, packageFolder } from "./build-package.ts";

/** `npm run build -w onnxflare`: makes `dist`. */
await buildPackage(join(packageFolder, "dist")).catch(exitWith);

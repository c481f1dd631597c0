import { buildWorker as build } from "../packages/cli/src/local/build-worker.ts";
import { checkout } from "./project.ts";

/**
 * Bundles the repository's Worker as a deployment does, into `outdir`: index.js and the modules it imports.
 * @param entry an entry file that replaces that of wrangler.toml, with the same settings
 * @throws UserError with wrangler's output, when the build fails
 */
export function buildWorker(outdir: string, entry?: string): Promise<void> {
  return build(checkout, outdir, entry);
}

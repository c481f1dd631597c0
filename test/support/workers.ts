import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare, type V4WorkerOptions } from "miniflare";
import { unstable_readConfig } from "wrangler";
import {
  type LogLine,
  listModules,
  type ModelBucket,
} from "../../packages/cli/src/local/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";

export interface WorkerSpec extends Omit<Partial<V4WorkerOptions>, "modules"> {
  readonly name: string;
  /** The folder of a build, or the text of the only module. */
  readonly code: { readonly outdir: string; readonly main?: string } | { readonly script: string };
}

export interface Workers {
  /** Where the first Worker is served. */
  readonly origin: string;
  /** Where a Worker is served. */
  originOf(name: string): Promise<string>;
  readonly miniflare: Miniflare;
  readonly logs: readonly LogLine[];
  bucket(binding: string): Promise<ModelBucket>;
  dispose(): Promise<void>;
}

/** Several Workers in one workerd, by default with the compatibility date and flags of wrangler.toml, and open for predictions. */
export async function startWorkers(
  specs: readonly [WorkerSpec, ...WorkerSpec[]],
): Promise<Workers> {
  const { compatibility_date, compatibility_flags } = unstable_readConfig({
    config: projectPath("wrangler.toml"),
  });
  const logs: LogLine[] = [];
  const [{ name }] = specs;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      handleStructuredLogs: (line) => void logs.push(line),
      workers: specs.map(({ code, ...options }) => ({
        ...(compatibility_date && { compatibilityDate: compatibility_date }),
        compatibilityFlags: compatibility_flags,
        unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
        ...("outdir" in code
          ? {
              modulesRoot: code.outdir,
              rootPath: code.outdir,
              modules: listModules(code.outdir, code.main),
            }
          : {
              modules: [
                {
                  type: "ESModule",
                  path: join("/", options.name, "index.js"),
                  contents: code.script,
                },
              ],
              modulesRoot: "/",
            }),
        ...options,
        bindings: { PUBLIC_PREDICT: "true", ...(options.bindings as object | undefined) },
      })) as V4WorkerOptions[],
    }),
  );
  await miniflare.ready;
  const originOf = async (worker: string): Promise<string> =>
    (await miniflare.unsafeGetDirectURL(worker)).origin;
  return {
    origin: await originOf(name),
    originOf,
    miniflare,
    logs,
    bucket: (binding) => miniflare.getR2Bucket(binding, name),
    dispose: () => miniflare.dispose(),
  };
}

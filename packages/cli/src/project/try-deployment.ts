import { usageError } from "../cli-error.ts";
import { createTemporaryFolder } from "../local/temporary-folder.ts";
import type { WorkerProject } from "../local/worker-project.ts";
import { checkConfig } from "./check-config.ts";
import { checkSettings } from "./deploy-project.ts";
import { isResourceId, readProjectConfig } from "./project-config.ts";
import type { Wrangler } from "./wrangler.ts";

export interface DeploymentTrial {
  readonly name: string;
  /** As wrangler says it. */
  readonly size: string;
  /** What a deployment looks for in the account, and creates if it is missing. */
  readonly buckets: readonly string[];
  readonly namespaces: readonly { readonly binding: string; readonly hasId: boolean }[];
}

/** Builds and checks what would be deployed, without an account. */
export async function tryDeployment(
  project: WorkerProject,
  wrangler: Wrangler,
  { report, warn }: Record<"report" | "warn", (line: string) => void>,
): Promise<DeploymentTrial> {
  const { name, r2_buckets, kv_namespaces } = await readProjectConfig(project);
  if (name === undefined) throw usageError("wrangler.toml has no name", 'add: name = "NAME"');
  checkSettings(await checkConfig(project), warn);
  report("building the Worker ...");
  const outdir = createTemporaryFolder("dry-run");
  const { output } = await wrangler.run(["deploy", "--dry-run", "--outdir", outdir]);
  return {
    name,
    size: /^Total Upload: (.*)$/m.exec(output)?.[1]?.trim() ?? "of unknown size",
    buckets: r2_buckets.flatMap(({ bucket_name: bucket }) => bucket ?? []),
    namespaces: kv_namespaces.map(({ binding, id }) => ({ binding, hasId: isResourceId(id) })),
  };
}

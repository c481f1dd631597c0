import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CliError, usageError } from "../cli-error.ts";
import { createTemporaryFolder } from "../local/temporary-folder.ts";
import type { WorkerProject } from "../local/worker-project.ts";
import { generateAdminKey } from "../signing/generate-keys.ts";
import { ensureBuckets, ensureNamespaces, listSecrets } from "./account-resources.ts";
import type { Check } from "./check.ts";
import { checkConfig, NAMESPACES } from "./check-config.ts";
import { readProjectConfig } from "./project-config.ts";
import { waitUntilReady } from "./wait-until-ready.ts";
import type { Wrangler } from "./wrangler.ts";

export interface DeployOptions {
  /** Whether the Worker gets a new ADMIN_KEY. */
  readonly setAdminKey: boolean;
  /** The address of the server, where it is not the one that wrangler tells. */
  readonly url?: string | undefined;
  readonly report: (line: string) => void;
  readonly warn: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface Deployment {
  readonly name: string;
  /** The address, unless the Worker has none of its own. */
  readonly url: string | undefined;
  readonly versionId: string | undefined;
  /** Buckets and namespaces that did not exist before. */
  readonly created: readonly string[];
  /** The new key, which Cloudflare never shows again. */
  readonly adminKey: string | undefined;
  readonly hasAdminKey: boolean;
}

export const ADMIN_KEY = "ADMIN_KEY";

/**
 * Deploys a project: what is missing in the account is created before, and the server is ready afterwards. It can be
 * repeated, and continues then where it failed.
 * @throws CliError with what wrangler says and the remedy
 */
export async function deployProject(
  project: WorkerProject,
  wrangler: Wrangler,
  { setAdminKey, url: givenUrl, report, warn, signal }: DeployOptions,
): Promise<Deployment> {
  const config = await readProjectConfig(project);
  const name = config.name;
  if (name === undefined) throw usageError("wrangler.toml has no name", 'add: name = "NAME"');
  const checks = await checkConfig(project);
  checkSettings(
    checks.filter((check) => check.name !== NAMESPACES),
    warn,
  );
  report(`deploying ${name} ...`);
  const secrets = await listSecrets(wrangler);
  const created = [
    ...(await ensureBuckets(wrangler, config, report)),
    ...(await ensureNamespaces(wrangler, project, config, report)),
  ];
  const adminKey = setAdminKey ? generateAdminKey() : undefined;
  const deployed = await deploy(wrangler, adminKey);
  const { versionId } = deployed;
  const url = givenUrl?.replace(/\/+$/, "") ?? deployed.url;
  if (adminKey !== undefined && secrets.includes(ADMIN_KEY))
    report("replaced ADMIN_KEY; the former key is not valid any more");
  if (url === undefined)
    warn("the Worker has no address of its own: whether it is ready is not known");
  else await waitUntilReady(url, { report, signal });
  const hasAdminKey = adminKey !== undefined || secrets.includes(ADMIN_KEY);
  return { name, url, versionId, created, adminKey, hasAdminKey };
}

/** What of `checkConfig` is in the way of a deployment ends it. */
export function checkSettings(checks: readonly Check[], warn: (line: string) => void): void {
  for (const { status, message, remedy } of checks) {
    if (status === "fail") throw usageError(message, remedy);
    if (status === "warn") warn(remedy === undefined ? message : `${message}; ${remedy}`);
  }
}

/** The key is deployed with the Worker, in one step: no version of it is served without. */
async function deploy(
  wrangler: Wrangler,
  adminKey: string | undefined,
): Promise<{ url: string | undefined; versionId: string | undefined }> {
  const folder = createTemporaryFolder("deploy");
  const outputFile = join(folder, "output.ndjson");
  const secretsFile = join(folder, "secrets.json");
  if (adminKey !== undefined)
    writeFileSync(secretsFile, JSON.stringify({ [ADMIN_KEY]: adminKey }), { mode: 0o600 });
  await wrangler.run(
    ["deploy", ...(adminKey === undefined ? [] : ["--secrets-file", secretsFile])],
    {
      WRANGLER_OUTPUT_FILE_PATH: outputFile,
    },
  );
  const entry = readDeployEntry(outputFile);
  return { url: addressOf(entry.targets ?? []), versionId: entry.version_id ?? undefined };
}

interface DeployEntry {
  readonly type: string;
  readonly version_id?: string | null;
  /** Addresses, and sentences on other triggers. */
  readonly targets?: readonly string[];
}

/** The first target that is an address, or a domain of the Worker's own. */
function addressOf(targets: readonly string[]): string | undefined {
  for (const target of targets) {
    const [, host] = /^(?:https:\/\/)?([\w.-]+)(?:\/| \(custom domain|$)/.exec(target) ?? [];
    if (host?.includes(".")) return `https://${host}`;
  }
  return undefined;
}

function readDeployEntry(file: string): DeployEntry {
  const entries = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as DeployEntry);
  const entry = entries.findLast(({ type }) => type === "deploy");
  if (entry) return entry;
  throw new CliError("serverFailed", "wrangler does not say what it has deployed", {
    hint: "run npm install, so that the project has the wrangler of its package.json",
  });
}

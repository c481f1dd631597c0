import { CliError } from "../cli-error.ts";
import type { WorkerProject } from "../local/worker-project.ts";
import { isResourceId, type ProjectConfig, writeNamespaceId } from "./project-config.ts";
import type { Wrangler } from "./wrangler.ts";
import { wranglerFailure } from "./wrangler-failure.ts";

/** Cloudflare's code for a bucket that does not exist. */
const NO_BUCKET = /\[code: 10006\]|bucket .*(?:not exist|not found)/i;

/**
 * Creates the buckets of the configuration that the account does not have.
 * @param report called with one line for each one created
 */
export async function ensureBuckets(
  wrangler: Wrangler,
  { r2_buckets: buckets }: ProjectConfig,
  report: (line: string) => void,
): Promise<string[]> {
  const created: string[] = [];
  for (const { binding, bucket_name: name } of buckets) {
    if (name === undefined)
      throw new CliError("usage", `the R2 binding ${binding} of wrangler.toml has no bucket_name`, {
        hint: `add the line: bucket_name = "NAME-models"`,
      });
    const info = ["r2", "bucket", "info", name, "--json"];
    const { code, output } = await wrangler.tryRun(info);
    if (code === 0) continue;
    if (!NO_BUCKET.test(output)) throw wranglerFailure(info, output);
    await wrangler.run(["r2", "bucket", "create", name]);
    created.push(name);
    report(`created the R2 bucket ${name}`);
  }
  return created;
}

interface Namespace {
  readonly id: string;
  readonly title: string;
}

/**
 * Gives each KV namespace of the configuration that has no id the namespace with its title, which it creates if there is
 * none, and writes the id into the configuration.
 * @param report called with one line for each change
 */
export async function ensureNamespaces(
  wrangler: Wrangler,
  project: WorkerProject,
  { name, kv_namespaces: entries }: ProjectConfig,
  report: (line: string) => void,
): Promise<string[]> {
  if (entries.length === 0) return [];
  const existing = await listNamespaces(wrangler);
  const created: string[] = [];
  for (const { binding, id } of entries) {
    if (isResourceId(id)) {
      assertNamespace(binding, id, existing);
      continue;
    }
    const title = `${name}-${binding}`;
    let found = existing.find((namespace) => namespace.title === title)?.id;
    if (found === undefined) {
      found = await createNamespace(wrangler, title);
      created.push(title);
      report(`created the KV namespace ${title}`);
    }
    await writeNamespaceId(project, binding, found);
    report(`wrote the id of ${title} into wrangler.toml`);
  }
  return created;
}

/** @returns its id, which wrangler prints in a text for people */
async function createNamespace(wrangler: Wrangler, title: string): Promise<string> {
  const { stdout } = await wrangler.run(["kv", "namespace", "create", title]);
  const printed = /\bid"?\s*[=:]\s*"([0-9a-f]{32})"/i.exec(stdout)?.[1];
  if (printed !== undefined) return printed;
  const listed = (await listNamespaces(wrangler)).find((namespace) => namespace.title === title);
  if (listed) return listed.id;
  throw new CliError("serverFailed", `the new KV namespace ${title} is not listed`, {
    hint: "run the command again",
  });
}

function assertNamespace(
  binding: string,
  id: string | undefined,
  existing: readonly Namespace[],
): void {
  if (existing.some((namespace) => namespace.id.toLowerCase() === id?.toLowerCase())) return;
  throw new CliError("usage", `this account has no KV namespace ${id}, the id of ${binding}`, {
    hint: "remove the line id from [[kv_namespaces]] in wrangler.toml, and this command finds or creates the namespace; or choose the other account by CLOUDFLARE_ACCOUNT_ID",
  });
}

async function listNamespaces(wrangler: Wrangler): Promise<readonly Namespace[]> {
  const { stdout } = await wrangler.run(["kv", "namespace", "list"]);
  return parseList<Namespace>(stdout, "KV namespaces");
}

/** The names of the Worker's secrets; none of a Worker that does not exist yet. */
export async function listSecrets(wrangler: Wrangler): Promise<readonly string[]> {
  const list = ["secret", "list"];
  const { code, stdout, output } = await wrangler.tryRun(list);
  if (code === 0)
    return parseList<{ readonly name: string }>(stdout, "secrets").map(({ name }) => name);
  if (/\[code: 10007\]|Worker "?.*"? not found/i.test(output)) return [];
  throw wranglerFailure(list, output);
}

function parseList<T>(text: string, what: string): readonly T[] {
  try {
    const list: unknown = JSON.parse(text.slice(text.indexOf("[")));
    if (Array.isArray(list)) return list;
  } catch {
    // Reported below.
  }
  throw new CliError("serverFailed", `wrangler's list of ${what} is not JSON:\n${text.trim()}`, {
    hint: "run npm install, so that the project has the wrangler of its package.json",
  });
}

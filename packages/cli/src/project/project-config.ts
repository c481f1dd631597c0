import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { CliError, explain, usageError } from "../cli-error.ts";
import { importWrangler, type WorkerProject } from "../local/worker-project.ts";

/** What this program reads of the configuration of a Worker; wrangler's own type is not published. */
export interface ProjectConfig {
  readonly name?: string | undefined;
  readonly main?: string | undefined;
  readonly compatibility_date?: string | undefined;
  readonly compatibility_flags: readonly string[];
  readonly vars: Readonly<Record<string, unknown>>;
  readonly r2_buckets: readonly { readonly binding: string; readonly bucket_name?: string }[];
  readonly kv_namespaces: readonly { readonly binding: string; readonly id?: string }[];
  readonly durable_objects?:
    | {
        readonly bindings: readonly {
          readonly name: string;
          readonly class_name: string;
          /** The Worker that has the class, where it is another one. */
          readonly script_name?: string | undefined;
        }[];
      }
    | undefined;
  readonly migrations?: readonly DurableObjectMigration[] | undefined;
  readonly triggers?: { readonly crons?: readonly string[] | undefined } | undefined;
  readonly limits?: { readonly cpu_ms?: number | undefined } | undefined;
}

export interface DurableObjectMigration {
  readonly new_classes?: readonly string[] | undefined;
  readonly new_sqlite_classes?: readonly string[] | undefined;
  readonly renamed_classes?: readonly { readonly from: string; readonly to: string }[] | undefined;
  readonly transferred_classes?: readonly { readonly to: string }[] | undefined;
}

/** @throws CliError with what wrangler finds wrong */
export async function readProjectConfig(project: WorkerProject): Promise<ProjectConfig> {
  const { unstable_readConfig } = await importWrangler(project);
  try {
    return unstable_readConfig({ config: project.configFile }, { hideWarnings: true });
  } catch (error) {
    throw usageError(`${basename(project.configFile)} is not valid: ${explain(error)}`);
  }
}

/** An id of Cloudflare's, and not what stands in its place before there is one. */
export function isResourceId(id: string | undefined): boolean {
  return /^[0-9a-f]{32}$/i.test(id ?? "");
}

/**
 * Writes the id of a KV namespace into the configuration and keeps everything else of it, comments too.
 * @throws CliError that says what to write, when the file cannot be changed
 */
export async function writeNamespaceId(
  project: WorkerProject,
  binding: string,
  id: string,
): Promise<void> {
  const file = basename(project.configFile);
  const before = readFileSync(project.configFile, "utf8");
  const after = file.endsWith(".toml") ? setNamespaceId(before, binding, id) : undefined;
  if (after !== undefined) writeFileSync(project.configFile, after);
  const { kv_namespaces: namespaces } = await readProjectConfig(project);
  if (namespaces.some((entry) => entry.binding === binding && entry.id === id)) return;
  if (after !== undefined) writeFileSync(project.configFile, before);
  throw new CliError("usage", `${file} could not be changed`, {
    hint: `write the id of the KV namespace ${binding} into it, ${JSON.stringify(id)}, then run the command again`,
  });
}

/** @returns `undefined` for a text without such a table */
export function setNamespaceId(toml: string, binding: string, id: string): string | undefined {
  const lineEnd = toml.includes("\r\n") ? "\r\n" : "\n";
  const lines = toml.split(lineEnd);
  const isHeader = (line: string): boolean => /^\s*\[/.test(line);
  const line = `id = ${JSON.stringify(id)}`;
  for (const [start, text] of lines.entries()) {
    if (!/^\s*\[\[\s*kv_namespaces\s*\]\]/.test(text)) continue;
    const next = lines.findIndex((other, index) => index > start && isHeader(other));
    const end = next < 0 ? lines.length : next;
    const find = (pattern: RegExp): number =>
      lines.findIndex((other, index) => index > start && index < end && pattern.test(other));
    const named = find(/^\s*binding\s*=/);
    if (named < 0 || quotedValue(lines[named]) !== binding) continue;
    const place = find(/^\s*id\s*=/);
    const comment = /#.*$/.exec((lines[place] ?? "").replace(/(["']).*?\1/, ""))?.[0];
    if (place < 0) lines.splice(named + 1, 0, line);
    else lines[place] = comment === undefined ? line : `${line} ${comment}`;
    return lines.join(lineEnd);
  }
  return undefined;
}

function quotedValue(line = ""): string | undefined {
  return /=\s*(["'])(.*?)\1/.exec(line)?.[2];
}

import { spawnSync } from "node:child_process";
import { unstable_readConfig } from "wrangler";
import { UserError } from "../packages/cli/src/local/user-error.ts";
import { projectPath } from "./project.ts";

/** The R2 bucket of wrangler.toml by wrangler's commands: that of the account, or the simulated one. */
export type Target = "--local" | "--remote";

interface WranglerConfig {
  readonly r2_buckets: readonly { readonly binding: string; readonly bucket_name?: string }[];
  readonly vars: Readonly<Record<string, unknown>>;
}

export function readWranglerConfig(): WranglerConfig {
  // Wrangler's own type comes from a package that is not published.
  return unstable_readConfig({ config: projectPath("wrangler.toml") });
}

function bucketName(): string {
  const { r2_buckets: buckets } = readWranglerConfig();
  const name = buckets.find(({ binding }) => binding === "MODELS")?.bucket_name;
  if (name) return name;
  throw new UserError("wrangler.toml has no r2_buckets entry with the binding MODELS");
}

/** @throws UserError */
export function put(key: string, file: string, target: Target): void {
  const { status, stdout, stderr } = wrangler("put", key, target, "--file", file);
  if (status !== 0) throw new UserError(`the upload of ${key} failed:\n${stdout}${stderr}`);
}

/** @throws UserError when that cannot be told */
export function exists(key: string, target: Target): boolean {
  const { status, stdout, stderr } = wrangler("get", key, target, "--pipe");
  if (status === 0) return true;
  if (/does not exist/i.test(`${stdout}${stderr}`)) return false;
  throw new UserError(`${key} can't be looked for:\n${stdout}${stderr}`);
}

function wrangler(command: "put" | "get", key: string, ...options: string[]) {
  const program = projectPath("node_modules", "wrangler", "bin", "wrangler.js");
  const args = [program, "r2", "object", command, `${bucketName()}/${key}`, ...options];
  return spawnSync(process.execPath, args, { encoding: "utf8" });
}

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { createTemporaryFolder } from "../local/temporary-folder.ts";
import { reason, UserError } from "../local/user-error.ts";
import { checkoutFolder, packageFolder, packageVersion } from "./package-folder.ts";

/** Where a new project gets the package onnxflare. */
export interface PackageSource {
  /** For its package.json. */
  readonly spec: string;
  /** A packed tarball, which the project keeps, so that it can be installed on any machine. */
  readonly file?: { readonly path: string; readonly bytes: Buffer };
}

/**
 * What `--from` names; otherwise the version of this program: of the registry, or of the tarball that it was installed
 * from, or packed from the checkout that it runs in.
 * @throws UserError for a tarball that cannot be read or made
 */
export function findPackageSource(
  from: string | undefined,
  report: (line: string) => void,
): PackageSource {
  if (from !== undefined) return isFile(from) ? tarball(from) : { spec: toSpec(from) };
  if (checkoutFolder !== undefined) {
    report("packing the package onnxflare of this checkout ...");
    return tarball(packCheckout(checkoutFolder));
  }
  const installed = findInstalledTarball();
  return installed === undefined ? { spec: packageVersion } : tarball(installed);
}

/** @throws UserError for what looks like a file and is none */
function toSpec(from: string): string {
  if (/\.(?:tgz|tar\.gz)$/.test(from) && !/^https?:/.test(from))
    throw new UserError(`--from: there is no file ${resolve(from)}`);
  return from;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function tarball(file: string): PackageSource {
  const path = `vendor/${basename(file)}`;
  try {
    return { spec: `file:${path}`, file: { path, bytes: readFileSync(file) } };
  } catch (error) {
    throw new UserError(`${file} can't be read: ${reason(error)}`);
  }
}

function packCheckout(checkout: string): string {
  const folder = createTemporaryFolder("pack");
  const script = join(checkout, "packages", "cli", "scripts", "pack.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, folder], {
    cwd: checkout,
    encoding: "utf8",
  });
  if (status !== 0)
    throw new UserError(`the package onnxflare can't be packed: ${stderr.trim() || stdout.trim()}`);
  return join(folder, `onnxflare-${packageVersion}.tgz`);
}

/** The tarball that npm has installed this package from; `undefined` for one of the registry. */
function findInstalledTarball(): string | undefined {
  const modules = dirname(packageFolder);
  const lock = join(modules, ".package-lock.json");
  if (!existsSync(lock)) return undefined;
  const resolved = JSON.parse(readFileSync(lock, "utf8")).packages?.["node_modules/onnxflare"]
    ?.resolved;
  if (typeof resolved !== "string" || !resolved.startsWith("file:")) return undefined;
  const file = resolve(dirname(modules), resolved.slice("file:".length));
  return isFile(file) ? file : undefined;
}

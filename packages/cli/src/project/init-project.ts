import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { newSecrets } from "../local/secrets.ts";
import { reason, UserError } from "../local/user-error.ts";
import type { InitModels } from "./init-models.ts";
import { findPackageSource, type PackageSource } from "./package-source.ts";
import { readTemplate, type Template } from "./template.ts";

export interface InitOptions {
  /** The name of the Worker, or a path whose last part is the name. */
  readonly target: string;
  readonly models: InitModels;
  /** The package onnxflare: a packed tarball, or what npm takes as a version. By default where this program came from. */
  readonly from?: string | undefined;
}

export interface InitializedProject {
  readonly name: string;
  readonly folder: string;
  /** Relative to the folder, sorted. */
  readonly files: readonly string[];
  /** The version or tarball that the project depends on. */
  readonly onnxflare: string;
}

/** A Worker's name has 63 characters at most, a bucket's, NAME-models, as well. */
const MAX_NAME = 55;
const PROJECT_NAME = /^[a-z](?:[a-z0-9-]{0,53}[a-z0-9])?$/;

/** npm does not install a package below one with the same name. */
const PACKAGES = ["node", "onnxflare", "wrangler"];

/**
 * Writes a project that can be served and deployed.
 * @param report called with what takes time
 * @throws UserError for a name that is not valid, and a folder that is not empty: nothing is written then
 */
export function initProject(
  { target, models, from }: InitOptions,
  report: (line: string) => void,
): InitializedProject {
  const folder = resolve(target);
  const name = basename(folder);
  if (!PROJECT_NAME.test(name) || PACKAGES.includes(name))
    throw new UserError(
      `${JSON.stringify(name)} is no name of a project, which its Worker and address get: give ${MAX_NAME} lower-case letters, digits and hyphens at most, the first a letter, the last no hyphen, and not ${PACKAGES.join(", ")}`,
    );
  assertEmpty(folder);
  const source = findPackageSource(from, report);
  const files = new Map(fillTemplate(readTemplate(), name, source));
  if (models === "none") {
    for (const path of files.keys()) if (path.startsWith("models/")) files.delete(path);
    files.set("models/.gitkeep", Buffer.alloc(0));
  }
  files.set(".dev.vars", Buffer.from(newSecrets()));
  try {
    for (const [path, bytes] of files) write(join(folder, path), bytes);
  } catch (error) {
    throw new UserError(`${folder} can't be written: ${reason(error)}`);
  }
  return { name, folder, files: [...files.keys()].sort(), onnxflare: source.spec };
}

/** A repository without files is empty too. */
function assertEmpty(folder: string): void {
  if (!existsSync(folder)) return;
  if (!statSync(folder).isDirectory()) throw new UserError(`${folder} exists and is no folder`);
  const [entry] = readdirSync(folder).filter((name) => name !== ".git");
  if (entry !== undefined)
    throw new UserError(
      `${folder} is not empty: it has ${entry}. Give another name, or remove what is in it`,
    );
}

function* fillTemplate(
  template: Template,
  name: string,
  { spec, file }: PackageSource,
): Iterable<[string, Buffer]> {
  const fill = (bytes: Buffer): Buffer =>
    Buffer.from(bytes.toString("utf8").replaceAll("PROJECT_NAME", name));
  for (const [path, bytes] of template) {
    switch (path) {
      case "package.json":
        yield [path, toPackageJson(bytes, name, spec)];
        break;
      case "wrangler.toml":
        yield [path, toWranglerToml(bytes, name)];
        break;
      case "wrangler.tail.toml":
        yield [path, toTailToml(bytes, name)];
        break;
      case "gitignore":
        // npm leaves a file named .gitignore out of a package.
        yield [".gitignore", bytes];
        break;
      default:
        yield [path, path.endsWith(".md") ? fill(bytes) : bytes];
    }
  }
  if (file) yield [file.path, file.bytes];
}

function toPackageJson(bytes: Buffer, name: string, spec: string): Buffer {
  const template = JSON.parse(bytes.toString("utf8"));
  const filled = { ...template, name, dependencies: { ...template.dependencies, onnxflare: spec } };
  return Buffer.from(`${JSON.stringify(filled, null, 2)}\n`);
}

/** With a bucket of the project's own. */
function toWranglerToml(bytes: Buffer, name: string): Buffer {
  const text = bytes.toString("utf8").replace(/^name = .*$/m, `name = "${name}"`);
  return Buffer.from(text.replaceAll("onnxflare-models", `${name}-models`));
}

/** With the names of the project's Worker and of its Tail Worker. */
function toTailToml(bytes: Buffer, name: string): Buffer {
  const text = bytes.toString("utf8").replaceAll('"onnxflare-tail"', `"${name}-tail"`);
  return Buffer.from(text.replaceAll('"onnxflare"', `"${name}"`));
}

function write(file: string, bytes: Buffer): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes, basename(file) === ".dev.vars" ? { mode: 0o600 } : {});
}

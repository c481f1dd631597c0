import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { deriveWranglerToml } from "./derive-wrangler-toml.ts";
import { TEMPLATE_MODEL } from "./init-models.ts";
import { checkoutFolder, packageFolder } from "./package-folder.ts";

/** The files of a project before they have its name, by their paths. */
export type Template = ReadonlyMap<string, Buffer>;

/** That of the package, which its build has made of the checkout's; in a checkout the current one. */
export function readTemplate(): Template {
  if (checkoutFolder !== undefined) return makeTemplate(checkoutFolder);
  return readFolder(join(packageFolder, "dist", "template"));
}

/** Makes the template of what the repository itself uses, so that nothing in it is forgotten. */
export function makeTemplate(repository: string): Template {
  const read = (...path: string[]): string => readFileSync(join(repository, ...path), "utf8");
  const files = new Map(readFolder(join(repository, "packages", "cli", "template")));
  for (const file of ["wrangler.toml", "wrangler.tail.toml"])
    files.set(file, Buffer.from(deriveWranglerToml(read(file))));
  const { devDependencies, allowScripts } = JSON.parse(read("package.json"));
  const { node, wrangler } = devDependencies;
  const packageJson = {
    name: "NAME",
    private: true,
    type: "module",
    scripts: {
      start: "onnxflare dev",
      build: "wrangler deploy --dry-run --outdir dist",
      deploy: "onnxflare deploy",
      doctor: "onnxflare doctor",
    },
    dependencies: { onnxflare: "VERSION" },
    // Node of the version that onnxflare is tested with, whichever the machine has.
    devDependencies: { node, wrangler },
    allowScripts: Object.fromEntries(
      ["esbuild", "node", "workerd"].map((name) => [name, allowScripts[name]]),
    ),
  };
  files.set("package.json", Buffer.from(`${JSON.stringify(packageJson, null, 2)}\n`));
  for (const [path, bytes] of readFolder(join(repository, "models", TEMPLATE_MODEL, "1")))
    files.set(`models/${TEMPLATE_MODEL}/1/${path}`, bytes);
  return files;
}

function readFolder(folder: string): Template {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return new Map(
    files.map((file) => [file.slice(folder.length + 1).replaceAll("\\", "/"), readFileSync(file)]),
  );
}

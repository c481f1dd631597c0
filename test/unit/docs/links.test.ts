import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";

/** Folders whose pages are of others, or are made. */
const LEFT_OUT = new Set(["node_modules", ".git", ".wrangler", ".onnxflare", "dist", ".venv"]);

function pagesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (LEFT_OUT.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return pagesIn(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

const root = projectPath();
const pages = pagesIn(root).map((path) => path.slice(root.length).replace(/^[\\/]/, ""));

test.each(pages)("the links of %s lead to files of the project", (page) => {
  const text = readFileSync(join(root, page), "utf8");
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target.split("#", 1)[0] ?? "")
    .filter((target) => target !== "" && !/^[a-z]+:/.test(target));
  const missing = targets.filter((target) => !existsSync(join(root, dirname(page), target)));
  expect(missing).toEqual([]);
});

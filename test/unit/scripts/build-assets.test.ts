import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildAssets } from "../../../scripts/build-assets.ts";
import { projectPath } from "../../../scripts/project.ts";

const folder = mkdtempSync(join(tmpdir(), "onnxflare-assets-"));
/** By their paths in the folder. */
let files: ReadonlyMap<string, Buffer>;

beforeAll(async () => {
  mkdirSync(join(folder, "dashboard"));
  writeFileSync(join(folder, "dashboard", "of-another-build.js"), "");
  writeFileSync(join(folder, "dashboard", "being-written.js.123"), "");
  await buildAssets(folder);
  files = new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name))
      .map((path) => [path.slice(folder.length + 1).replaceAll("\\", "/"), readFileSync(path)]),
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

const html = (): string => String(files.get("dashboard.html"));
const LICENSES = "dashboard/licenses.txt";
const texts = (): string[] =>
  [...files].filter(([path]) => path !== LICENSES).map(([, content]) => String(content));

test("the assets are the page, and the files below it that it refers to by relative paths", () => {
  const references = [...html().matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = ""]) => path);
  expect(references.length).toBeGreaterThanOrEqual(3);
  for (const reference of references) {
    expect(reference).toMatch(/^\.\/dashboard\/[\w-]+\.(?:js|css|svg)$/);
    expect(files.has(reference.slice(2)), reference).toBe(true);
  }
});

test("files of another build are removed, but not those that one is writing", () => {
  expect(files.has("dashboard/of-another-build.js")).toBe(false);
  expect(files.has("dashboard/being-written.js.123")).toBe(true);
});

test("all that a browser loads of the dashboard has less than 150 KB, compressed by gzip", () => {
  const bytes = [...files.values()].reduce((sum, file) => sum + gzipSync(file).byteLength, 0);
  expect(bytes).toBeLessThan(150_000);
});

test("the dashboard makes no external request, and needs nothing inline", () => {
  // Namespaces of XML are names, and are requested by nobody.
  const urls = texts().flatMap(
    (text) => text.match(/https?:\/\/(?!www\.w3\.org\/)[^\s"'`)]*/g) ?? [],
  );
  expect(urls).toEqual([]);
  const inline = texts().flatMap(
    (text) => text.match(/\beval\(|new Function\(|@import|\bdata:\w+\//g) ?? [],
  );
  expect(inline).toEqual([]);
  expect(html()).not.toMatch(/<style|<script(?![^>]*\bsrc=)[^>]*>|\son\w+=|\sstyle=/);
});

test("the licences of the packages in the bundle are beside it", () => {
  const licenses = String(files.get(LICENSES));
  for (const name of ["preact", "uplot"]) expect(licenses).toContain(name);
  expect(licenses).toContain("MIT");
});

test("the files have no paths of the machine that built them", () => {
  for (const [path, content] of files) {
    expect(content.includes(projectPath()), path).toBe(false);
    expect(content.includes(".tsx"), path).toBe(false);
  }
});

test("a build of the same sources has the same files", async () => {
  await buildAssets(folder);
  for (const [path, content] of files)
    expect(readFileSync(join(folder, path)).equals(content), path).toBe(true);
});

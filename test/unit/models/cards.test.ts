import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { readModelFolder } from "../../../packages/cli/src/local/model-folder.ts";
import { BACKGROUND_FILE, PROFILE_FILE } from "../../../packages/cli/src/local/seed.ts";
import { projectPath } from "../../../scripts/project.ts";
import { manifestJsonSchema, parseManifest } from "../../../src/domain/manifest.ts";
import { toKnownBackground } from "../../../src/registry/backgrounds/known-backgrounds.ts";
import { toKnownProfile } from "../../../src/registry/profiles/known-profiles.ts";
import { EXPECTED_FOLDER, readExpected } from "../../support/tensors.ts";

/** What a model of models/ brings along: files that are the published ones, a card, a licence. */

const folders = readModelFolder(projectPath("models"));

describe.each(folders)("$manifest.name version $manifest.version", (model) => {
  const { manifest, manifestText, folder } = model;
  const card = readFileSync(join(dirname(folder), "README.md"), "utf8");

  test("has a valid manifest of its own name and version", () => {
    expect(parseManifest(JSON.parse(manifestText))).toEqual(manifest);
    expect(folder.endsWith(join("models", manifest.name, manifest.version))).toBe(true);
  });

  test.each(manifest.files)("$path is the published file", ({ path, sha256, sizeBytes }) => {
    const bytes = readFileSync(join(folder, path));
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
    expect(bytes.byteLength).toBe(sizeBytes);
  });

  test("has no file that the manifest does not name", () => {
    const named = manifest.files.map(({ path }) => path);
    const others = readdirSync(folder).filter(
      (name) => name !== PROFILE_FILE && name !== BACKGROUND_FILE,
    );
    expect(others.sort()).toEqual(["manifest.json", ...named].sort());
  });

  test("has a reference profile of the columns of its manifest, if it takes a table", async () => {
    const isTable = manifest.preprocess?.type === "tabular";
    expect(existsSync(join(folder, PROFILE_FILE))).toBe(isTable);
    if (!isTable || manifest.preprocess?.type !== "tabular") return;
    const value = JSON.parse(readFileSync(join(folder, PROFILE_FILE), "utf8"));
    const known = await toKnownProfile(manifest, value);
    expect(known?.profile.inputs.map(({ name }) => name)).toEqual(manifest.preprocess.columns);
  });

  test("has 100 background rows with the columns of its manifest, if it takes a table", async () => {
    const isTable = manifest.preprocess?.type === "tabular";
    expect(existsSync(join(folder, BACKGROUND_FILE))).toBe(isTable);
    if (!isTable || manifest.preprocess?.type !== "tabular") return;
    const value = JSON.parse(readFileSync(join(folder, BACKGROUND_FILE), "utf8"));
    const known = await toKnownBackground(manifest, value);
    const rows = known?.background.inputs as readonly (readonly unknown[])[] | undefined;
    expect(rows).toHaveLength(100);
    for (const row of rows ?? []) expect(row).toHaveLength(manifest.preprocess.columns.length);
  });

  test("has a card with its name and the licence of the manifest", () => {
    const license = manifest.provenance?.license ?? "no licence";
    expect(card).toContain(`\`${manifest.name}\``);
    expect(card).toMatch(/^Licence: `(.+?)`/m);
    expect(card.match(/^Licence: `(.+?)`/m)?.[1]).toBe(license);
  });

  test("has a recipe, measured figures, and expected outputs of another engine", () => {
    const recipe = readFileSync(projectPath(manifest.provenance?.recipe ?? "none"), "utf8");
    expect(recipe.length).toBeGreaterThan(0);
    expect(manifest.metrics).toHaveProperty("samples");
    const engines = [readExpected(manifest.name).engine, manifest.example?.engine ?? ""];
    expect(engines.join()).not.toMatch(/onnxruntime-web/i);
    expect(manifest.task === undefined || manifest.example !== undefined).toBe(true);
  });
});

test("every model has expected outputs of another engine, and there are no others", () => {
  const fixtures = readdirSync(EXPECTED_FOLDER).filter((file) => !file.endsWith("-texts.json"));
  expect(fixtures.sort()).toEqual(folders.map(({ manifest }) => `${manifest.name}.json`).sort());
});

test("docs/manifest.schema.json is the schema of the program (npm run schema writes it)", () => {
  const written = readFileSync(projectPath("docs", "manifest.schema.json"), "utf8");
  expect(JSON.parse(written)).toEqual(manifestJsonSchema());
});

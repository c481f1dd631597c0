import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { exitWith, UserError } from "../packages/cli/src/local/user-error.ts";
import { manifestJsonSchema } from "../src/domain/manifest.ts";
import { projectPath } from "./project.ts";

/** `npm run schema`: writes the JSON Schema of the manifest, formatted like the rest of the project. */
try {
  writeSchema(projectPath("docs", "manifest.schema.json"));
} catch (error) {
  exitWith(error);
}

function writeSchema(file: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(manifestJsonSchema(), null, 2)}\n`);
  const biome = projectPath("node_modules", "@biomejs", "biome", "bin", "biome");
  const args = [biome, "format", "--write", file];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: projectPath(),
    encoding: "utf8",
  });
  if (status !== 0) throw new UserError(`formatting ${file} failed:\n${stdout}${stderr}`);
  console.log(`wrote ${file}`);
}

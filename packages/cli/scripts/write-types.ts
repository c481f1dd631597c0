import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import * as z from "zod";
import { projectPath } from "../../../scripts/project.ts";
import { SETTING_NAMES } from "../../../src/config.ts";
import { FINISH_REASONS } from "../../../src/domain/blocks/postprocess/text-generation.ts";
import { DATATYPES } from "../../../src/domain/datatype.ts";
import { TASK_KINDS } from "../../../src/domain/task-kinds.ts";
import { UserError } from "../src/local/user-error.ts";
import { toTypeText } from "./schema-type.ts";

/** Schemas whose types the package has, by their names. */
const SCHEMAS: Readonly<Record<string, unknown>> = Object.assign(
  {},
  ...(await Promise.all(
    readdirSync(projectPath("src", "domain", "event")).map(
      (file) => import(projectPath("src", "domain", "event", file)),
    ),
  )),
);

/** Types that need what consumers may not have: written out. */
const WRITTEN_OUT: Readonly<Record<string, string>> = {
  "src/config.ts": union("SettingName", SETTING_NAMES),
  // The names of typed arrays differ between libraries of types.
  "src/domain/datatype.ts": `${union("Datatype", DATATYPES)}export type NumericDatatype = Exclude<Datatype, "BYTES">;
export type TypedArray = ArrayBufferView;
`,
  // What it is made of, and how it is called, is the service's own.
  "src/durable-objects/metrics-collector.ts": `import { DurableObject } from "cloudflare:workers";
export declare class MetricsCollector extends DurableObject<unknown> {}
`,
  "src/domain/task-kinds.ts": union("TaskKind", TASK_KINDS),
  "src/domain/blocks/postprocess/text-generation.ts": union("FinishReason", FINISH_REASONS),
};

/** Modules that every consumer has: those of workerd. */
const ALLOWED = new Set(["cloudflare:workers"]);
const SPECIFIER = /(\bfrom "|\bimport\(")([^"]+)"/g;

/**
 * Writes the declarations of these modules, and of what they refer to, without those of packages.
 * @param entries absolute paths of sources
 */
export function writeTypes(entries: readonly string[], outdir: string): void {
  const emitted = mkdtempSync(join(tmpdir(), "onnxflare-types-"));
  try {
    emitDeclarations(entries, emitted);
    const written = new Set<string>();
    const write = (source: string): void => {
      if (written.has(source)) return;
      written.add(source);
      const text =
        WRITTEN_OUT[source] ??
        withoutSchemas(readFileSync(join(emitted, toDeclaration(source)), "utf8"));
      const target = join(outdir, toDeclaration(source));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(
        target,
        text.replace(SPECIFIER, (_, before, specifier) => `${before}${toPublished(specifier)}"`),
      );
      for (const [, , specifier = ""] of text.matchAll(SPECIFIER)) {
        if (specifier.startsWith("."))
          write(join(dirname(source), specifier).replaceAll("\\", "/"));
        else if (!ALLOWED.has(specifier))
          throw new UserError(
            `the types of the package need ${specifier}, by ${source}: write its types out in ${relative(projectPath(), import.meta.filename)}`,
          );
      }
    };
    for (const entry of entries) write(relative(projectPath(), entry).replaceAll("\\", "/"));
  } finally {
    rmSync(emitted, { recursive: true, force: true });
  }
}

const SCHEMA_IMPORT = /^import type \{ [^}]*Schema\b[^}]* \} from "[^"]+";\n/gm;
const SCHEMA_TYPE = /\bz\.output<typeof (\w+)>/g;

/** Writes out the types of schemas. */
function withoutSchemas(text: string): string {
  if (!SCHEMA_TYPE.test(text)) return text;
  return text
    .replace(/^import type \{ z \} from "zod";\n/m, "")
    .replace(SCHEMA_IMPORT, "")
    .replace(SCHEMA_TYPE, (_, name: string) => {
      const schema = SCHEMAS[name];
      if (!(schema instanceof z.ZodType)) throw new UserError(`${name} is no schema of an event`);
      return toTypeText(schema);
    });
}

function emitDeclarations(entries: readonly string[], outDir: string): void {
  const config = join(outDir, "tsconfig.json");
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: projectPath(),
    outDir,
    types: [projectPath("node_modules", "@cloudflare", "workers-types")],
  };
  const ambient = [
    "worker-configuration.d.ts",
    "src/cloudflare-workers.d.ts",
    "src/runtime/*.d.ts",
    "src/tasks/image/*.d.ts",
  ];
  writeFileSync(
    config,
    JSON.stringify({
      extends: projectPath("tsconfig.base.json"),
      compilerOptions,
      files: entries,
      include: ambient.map((path) => projectPath(path)),
    }),
  );
  const tsc = projectPath("node_modules", "typescript", "bin", "tsc");
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", config], { encoding: "utf8" });
  if (status !== 0) throw new UserError(`the types of the package could not be made:\n${stdout}`);
}

function toDeclaration(source: string): string {
  return source.replace(/\.ts$/, ".d.ts");
}

function toPublished(specifier: string): string {
  return specifier.startsWith(".") ? specifier.replace(/\.ts$/, ".js") : specifier;
}

function union(name: string, values: readonly string[]): string {
  return `export type ${name} = ${values.map((value) => JSON.stringify(value)).join(" | ")};\n`;
}

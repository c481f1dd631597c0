import { existsSync } from "node:fs";
import { basename, relative } from "node:path";
import { parse } from "smol-toml";
import { parseConfig } from "../../../../src/config.ts";
import { explain } from "../cli-error.ts";
import type { WorkerProject } from "../local/worker-project.ts";
import { type Check, type Problem, toChecks } from "./check.ts";
import { AUTHORITY, COLLECTOR, objectProblems } from "./check-objects.ts";
import { isResourceId, type ProjectConfig, readProjectConfig } from "./project-config.ts";
import { readTemplate } from "./template.ts";

/** Settings that do not belong in a file that is committed. */
const SECRETS = [
  "ADMIN_KEY",
  "ENCRYPTION_KEY",
  "ENCRYPTION_KEYS_OLD",
  "OTLP_HEADERS",
  "PRIVACY_KEY",
];

/** What the service does without a binding. */
const WITHOUT: Readonly<Record<string, string>> = {
  ASSETS: "there is no dashboard",
  CACHE: "predictions are not cached beyond a datacenter, and purges reach one isolate only",
  LOADER: "all models share one isolate of 128 MB",
  RATE_LIMITER: "nothing limits how many requests an address sends",
};

/** The check of what a deployment adds. */
export const NAMESPACES = "namespaces";

/** Checks the configuration of a Worker, against what a new project has. */
export async function checkConfig(project: WorkerProject): Promise<readonly Check[]> {
  const file = basename(project.configFile);
  const config = await readProjectConfig(project);
  const expected = expectedConfig();
  return [
    ...toChecks(
      "bindings",
      [...bindingProblems(config, expected, file)],
      `${file} has ${bindingsOf(expected)
        .map(({ binding }) => binding)
        .join(", ")}`,
    ),
    ...toChecks(
      "keys",
      [...objectProblems(AUTHORITY, config, file)],
      `${file} has KEYS, the Durable Object of API keys`,
    ),
    ...toChecks(
      "metrics",
      [...objectProblems(COLLECTOR, config, file)],
      `${file} has METRICS, the Durable Object of what is collected`,
    ),
    ...toChecks(
      NAMESPACES,
      [...namespaceProblems(config, file)],
      `${file} has the id of each KV namespace`,
    ),
    ...toChecks(
      "compatibility",
      [...compatibilityProblems(config, expected, file)],
      `${config.compatibility_date}, ${config.compatibility_flags.join(", ")}`,
    ),
    ...toChecks(
      "limits",
      [...limitProblems(config, expected, file)],
      `cpu_ms = ${config.limits?.cpu_ms}`,
    ),
    ...toChecks(
      "schedule",
      [...scheduleProblems(config, expected, file)],
      `crons = ${JSON.stringify(cronsOf(config))}`,
    ),
    ...toChecks(
      "public",
      [...publicProblems(config, file)],
      "PUBLIC_PREDICT is not on: clients need a key",
    ),
    ...toChecks("settings", [...settingProblems(config, file)], `the settings in [vars] are valid`),
    ...toChecks("entry", [...entryProblems(config, project)], entryOf(config, project)),
  ];
}

type TomlTable = Readonly<Record<string, unknown>>;

/** The wrangler.toml of a new project. */
function expectedConfig(): TomlTable {
  const toml = readTemplate().get("wrangler.toml");
  return parse(toml?.toString("utf8") ?? "") as TomlTable;
}

interface Binding {
  /** As in TOML: `[[r2_buckets]]`. */
  readonly table: string;
  readonly binding: string;
}

/** Each kind of binding is a list of tables with their names; that of assets is one table. */
function bindingsOf(config: object): Binding[] {
  return Object.entries(config).flatMap(([kind, tables]) =>
    [tables].flat().flatMap((table) => {
      const { binding: named, name } = Object(table);
      const binding = kind === "ratelimits" ? name : named;
      if (typeof binding !== "string") return [];
      return [{ table: Array.isArray(tables) ? `[[${kind}]]` : `[${kind}]`, binding }];
    }),
  );
}

function* bindingProblems(
  config: ProjectConfig,
  expected: TomlTable,
  file: string,
): Iterable<Problem> {
  const found = bindingsOf(config);
  for (const { table, binding } of bindingsOf(expected)) {
    if (found.some((other) => other.binding === binding && other.table === table)) continue;
    const without = WITHOUT[binding];
    yield {
      status: without === undefined ? "fail" : "warn",
      message: `${file} has no ${table} with the binding ${binding}${without === undefined ? "" : `: ${without}`}`,
      remedy: "add it as it is in the wrangler.toml of a new project: npx onnxflare init NAME",
    };
  }
}

/** What the first deployment writes. */
function* namespaceProblems(
  { kv_namespaces: namespaces }: ProjectConfig,
  file: string,
): Iterable<Problem> {
  for (const { binding, id } of namespaces)
    if (!isResourceId(id))
      yield {
        status: "warn",
        message: `the KV namespace ${binding} of ${file} has no id yet`,
        remedy: "npx onnxflare deploy creates the namespace and writes its id",
      };
}

function* compatibilityProblems(
  { compatibility_date: date, compatibility_flags: flags }: ProjectConfig,
  expected: TomlTable,
  file: string,
): Iterable<Problem> {
  const wanted = String(expected.compatibility_date);
  if (date === undefined || date < wanted)
    yield {
      status: date === undefined ? "fail" : "warn",
      message: `the compatibility date of ${file} is ${date ?? "missing"}, and onnxflare is tested with ${wanted}`,
      remedy: `set compatibility_date = "${wanted}"`,
    };
  for (const flag of (expected.compatibility_flags ?? []) as string[])
    if (!flags.includes(flag))
      yield {
        status: "warn",
        message: `${file} lacks the compatibility flag ${flag}`,
        remedy: `add "${flag}" to compatibility_flags`,
      };
}

function* limitProblems(
  { limits }: ProjectConfig,
  expected: TomlTable,
  file: string,
): Iterable<Problem> {
  if (limits?.cpu_ms !== undefined) return;
  yield {
    status: "warn",
    message: `${file} has no limit of CPU time, so a run of a model without an end is not ended`,
    remedy: `add [limits] with cpu_ms = ${(expected.limits as { cpu_ms: number }).cpu_ms}`,
  };
}

function cronsOf({ triggers }: { triggers?: unknown }): readonly string[] {
  return Object(triggers).crons ?? [];
}

function* scheduleProblems(
  config: ProjectConfig,
  expected: TomlTable,
  file: string,
): Iterable<Problem> {
  const crons = cronsOf(expected);
  if (crons.length === 0 || cronsOf(config).length > 0) return;
  yield {
    status: "warn",
    message: `${file} has no schedule, so what interrupted uploads leave is not removed by itself`,
    remedy: `add [triggers] with crons = ${JSON.stringify(crons)}; npx onnxflare gc lists and removes it`,
  };
}

function* settingProblems({ vars }: ProjectConfig, file: string): Iterable<Problem> {
  for (const name of SECRETS)
    if (name in vars)
      yield {
        status: "fail",
        message: `${file} has ${name} in [vars], which everybody who reads the file can use`,
        remedy: `remove it, and set another one as a secret: npx wrangler secret put ${name}`,
      };
  try {
    parseConfig(vars);
  } catch (error) {
    yield {
      status: "fail",
      message: explain(error),
      remedy: `correct it in ${file}; dist/docs/configuration.md of the package has all settings`,
    };
  }
}

/** What everybody may do. */
function* publicProblems({ vars }: ProjectConfig, file: string): Iterable<Problem> {
  if (vars.PUBLIC_PREDICT === "true")
    yield {
      status: "warn",
      message: `${file} sets PUBLIC_PREDICT: anybody may predict without a key`,
      remedy:
        "remove it unless that is meant; npx onnxflare keys create NAME makes a key for a client",
    };
  if (vars.PUBLIC_METRICS === "on")
    yield {
      status: "warn",
      message: `${file} sets PUBLIC_METRICS: anybody may read which models there are, and how they are used`,
      remedy:
        "remove it unless that is meant; npx onnxflare keys create prometheus --scopes metrics makes a key for Prometheus",
    };
  if (vars.REPOSITORY_CONTROL === "open" && vars.PUBLIC_PREDICT === "true")
    yield {
      status: "warn",
      message: `${file} sets REPOSITORY_CONTROL to open: anybody may load and unload models`,
      remedy: 'remove it, or set "admin"',
    };
}

function* entryProblems({ main }: ProjectConfig, { configFile }: WorkerProject): Iterable<Problem> {
  if (main !== undefined && existsSync(main)) return;
  yield {
    status: "fail",
    message: `${basename(configFile)} names no entry file that exists: main = ${JSON.stringify(main ?? "")}`,
    remedy: 'set main = "src/index.ts", and export { default } from "onnxflare/worker" there',
  };
}

function entryOf({ main }: ProjectConfig, { folder }: WorkerProject): string {
  return main === undefined ? "" : relative(folder, main);
}

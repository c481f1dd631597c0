import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import * as z from "zod";
import { explain, usageError } from "./cli-error.ts";

export const CONFIG_FILE = "onnxflare.json";

const configSchema = z.strictObject({
  $schema: z.string().optional(),
  /** The server of the commands. */
  url: z.string().optional(),
  /** Attempts after the first one, while the server cannot be reached or is overloaded. */
  retries: z.int().min(0).max(20).optional(),
});

export type ConfigFile = z.output<typeof configSchema>;

/** Names that people give to secrets. */
const SECRET = /key|token|secret|password/i;

export interface FoundConfig {
  readonly path: string;
  readonly config: ConfigFile;
}

/**
 * The nearest `onnxflare.json`, in the folder or one above it.
 * @throws CliError that names the file, when it is not valid or has a key
 */
export function findConfigFile(folder: string): FoundConfig | undefined {
  const path = findUpward(folder, CONFIG_FILE);
  return path === undefined ? undefined : { path, config: readConfigFile(path) };
}

/** The path of a file in the folder or the nearest one above it. */
export function findUpward(folder: string, name: string): string | undefined {
  for (let current = resolve(folder); ; current = dirname(current)) {
    const path = join(current, name);
    if (existsSync(path)) return path;
    if (dirname(current) === current) return undefined;
  }
}

function readConfigFile(path: string): ConfigFile {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw usageError(`${path} can't be read: ${explain(error)}`);
  }
  const secret = Object.keys(Object(value)).find((name) => SECRET.test(name));
  if (secret !== undefined)
    throw usageError(
      `${path} has "${secret}", and a secret does not belong in a file that is committed`,
      "set the environment variable ONNXFLARE_KEY instead; for a local server, .dev.vars has ADMIN_KEY",
    );
  const parsed = configSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw usageError(
    `${path} is not valid: ${z.prettifyError(parsed.error).replaceAll(/\s*\n\s*/g, " ")}`,
    `its fields are ${Object.keys(configSchema.shape).join(", ")}`,
  );
}

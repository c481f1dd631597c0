import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseEnv } from "node:util";
import { usageError } from "./cli-error.ts";
import { CONFIG_FILE, type ConfigFile, findConfigFile, findUpward } from "./config-file.ts";

/** Where `npm start` and `onnxflare dev` serve. */
export const DEFAULT_URL = "http://127.0.0.1:8787";
const DEFAULT_RETRIES = 4;
const MAX_RETRIES = 20;

/** Options that all commands share, as they were given. */
export interface SharedOptions {
  readonly url?: string | undefined;
  readonly key?: string | undefined;
  readonly retries?: string | undefined;
  readonly json?: boolean | undefined;
}

export interface Settings {
  /** The server, without a final slash. It may have a path, under which the service is mounted. */
  readonly url: string;
  readonly isLocal: boolean;
  /** The `onnxflare.json` that names the server; `undefined` when a flag or the environment does. */
  readonly urlFile: string | undefined;
  /** An API key, or the server's ADMIN_KEY, if there is one. */
  readonly key: string | undefined;
  /** Whether the key was given by flag or environment, and not found in the files of a project. */
  readonly isKeyGiven: boolean;
  readonly retries: number;
  readonly json: boolean;
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
}

/**
 * The settings of a command: those of flags before those of the environment, then `onnxflare.json` and the defaults.
 * @throws CliError for one that is not valid
 */
export function resolveSettings(options: SharedOptions, { env, folder }: Surroundings): Settings {
  const found = findConfigFile(folder);
  const file: ConfigFile = found?.config ?? {};
  const [url, urlSource] = firstOf([
    [options.url, "--url"],
    [env.ONNXFLARE_URL, "ONNXFLARE_URL"],
    [file.url, found?.path ?? ""],
    [DEFAULT_URL, "default"],
  ]);
  const parsed = parseServerUrl(url, urlSource);
  const isLocal = isLoopback(parsed);
  const [given] = firstOf([
    [options.key, "--key"],
    [env.ONNXFLARE_KEY, "ONNXFLARE_KEY"],
  ]);
  const key = given || (isLocal ? findLocalKey(folder) : undefined);
  return {
    url: parsed.href.replace(/\/+$/, ""),
    isLocal,
    urlFile: urlSource === found?.path ? found.path : undefined,
    key: key || undefined,
    isKeyGiven: given !== "",
    retries: parseRetries(options.retries) ?? file.retries ?? DEFAULT_RETRIES,
    json: options.json ?? false,
  };
}

/** The first that is not empty. */
function firstOf(
  candidates: readonly (readonly [value: string | undefined, source: string])[],
): readonly [value: string, source: string] {
  for (const [value, source] of candidates) {
    const trimmed = value?.trim();
    if (trimmed) return [trimmed, source];
  }
  return ["", ""];
}

function parseServerUrl(text: string, source: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const hint = `give one such as ${DEFAULT_URL} or https://onnxflare.example.workers.dev`;
  if (!url || !/^https?:$/.test(url.protocol))
    throw usageError(`${source}: ${JSON.stringify(text)} is not an HTTP URL`, hint);
  if (url.search || url.hash)
    throw usageError(`${source}: the URL of a server has no query and no fragment`, hint);
  if (url.username || url.password)
    throw usageError(`${source}: the URL of a server has no user and no password`, "use --key");
  return url;
}

function isLoopback({ hostname }: URL): boolean {
  return /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

function parseRetries(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,2}$/.test(text) && Number(text) <= MAX_RETRIES) return Number(text);
  throw usageError(`--retries must be a number from 0 to ${MAX_RETRIES}, got ${text}`);
}

/** `ADMIN_KEY` of `.dev.vars` in the project that the folder belongs to. */
function findLocalKey(folder: string): string | undefined {
  const marks = [CONFIG_FILE, "wrangler.toml", "wrangler.jsonc", "wrangler.json"];
  for (const configuration of marks.flatMap((name) => findUpward(folder, name) ?? [])) {
    const file = join(dirname(configuration), ".dev.vars");
    if (existsSync(file)) return parseEnv(readFileSync(file, "utf8")).ADMIN_KEY?.trim();
  }
  return undefined;
}

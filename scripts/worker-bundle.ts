import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { BuildOptions, Plugin } from "esbuild";
import { parse } from "smol-toml";
import { UserError } from "../packages/cli/src/local/user-error.ts";
import { projectPath } from "./project.ts";

interface Settings {
  readonly compatibility_date: string;
  readonly define: Record<string, string>;
  readonly alias: Record<string, string>;
}

/** How code for workerd is bundled without wrangler: with the settings of wrangler.toml. */
export interface WorkerBundle {
  readonly compatibilityDate: string;
  readonly options: BuildOptions;
}

export function workerBundle(): WorkerBundle {
  const settings = parse(readFileSync(projectPath("wrangler.toml"), "utf8")) as unknown as Settings;
  const { compatibility_date: compatibilityDate, define, alias } = settings;
  return {
    compatibilityDate,
    options: {
      absWorkingDir: projectPath(),
      bundle: true,
      format: "esm",
      target: "es2024",
      conditions: ["workerd", "worker", "browser"],
      external: ["cloudflare:*"],
      define: { "process.env.NODE_ENV": '"production"', ...define },
      alias: Object.fromEntries(
        Object.entries(alias).map(([name, path]) => [
          name,
          path.startsWith(".") ? projectPath(path) : path,
        ]),
      ),
    },
  };
}

/**
 * Leaves imports of these files as they are, beside the bundle, by their names alone.
 * @param found takes the path of each by its name
 */
export function keepModules(filter: RegExp, found: Map<string, string>): Plugin {
  return {
    name: "keep-modules",
    setup({ onResolve, resolve }) {
      onResolve({ filter }, async ({ path, pluginData, kind, resolveDir }) => {
        if (pluginData === "resolving") return undefined;
        const resolved = await resolve(path, { kind, resolveDir, pluginData: "resolving" });
        if (resolved.errors.length > 0) return resolved;
        const name = basename(resolved.path);
        const other = found.get(name) ?? resolved.path;
        if (other !== resolved.path)
          throw new UserError(`${other} and ${resolved.path} have the same name in one bundle`);
        found.set(name, resolved.path);
        return { path: `./${name}`, external: true };
      });
    },
  };
}

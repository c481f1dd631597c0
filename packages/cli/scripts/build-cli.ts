import { join } from "node:path";
import { build } from "esbuild";

/** Bundles the command line with all that it imports into one file, for the Nodes that package.json names. */
export async function buildCli(packageFolder: string, dist: string): Promise<void> {
  await build({
    entryPoints: [join(packageFolder, "src", "main.ts")],
    outfile: join(dist, "cli.js"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20.12",
    // CommonJS modules in the bundle call `require`.
    banner: {
      js: 'import { createRequire as createRequireOfBundle } from "node:module";\nconst require = createRequireOfBundle(import.meta.url);',
    },
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "linked",
    logLevel: "warning",
  });
}

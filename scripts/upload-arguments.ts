import { parseArgs } from "node:util";
import { reason, UserError } from "../packages/cli/src/local/user-error.ts";
import { MODEL_VERSION, type ModelId, parseModelName } from "../src/domain/model-id.ts";
import { projectPath } from "./project.ts";
import type { Target } from "./wrangler-bucket.ts";

export const HELP = `Uploads models to the R2 bucket of wrangler.toml, each version's manifest last, so that a version exists only when
it is complete.

  npm run upload -- [model...] [--models FOLDER]... [--local]
  npm run upload -- FOLDER --name NAME [options] [--local]

The first form uploads the models of models/, or of these folders. Versions that are not valid are skipped and listed at the
end, with exit code 1. The second form uploads a folder that Optimum or transformers.js has exported; its manifest is made of
the files in it, and everything that was guessed is printed.

With ENCRYPTION_KEY in the environment, or in .dev.vars with --local, the objects are encrypted.

  --name NAME         the name of the model
  --version N         its version; 1 by default
  --context TOKENS    tokens of prompt and answer together; by default as many as the model was made for
  --variant SUFFIX    which of several models: quantized, int8, fp16, ..., or the path of a file
  --format onnx       keeps the ONNX file, which takes three times the memory of the ORT file that is made of it
  --local             writes to wrangler's simulated bucket
  --help              prints this text`;

export interface Arguments {
  readonly names: readonly string[];
  readonly folders: readonly string[];
  readonly target: Target;
  readonly help: boolean;
  readonly exported: ExportArguments | undefined;
}

/** A folder that a program has exported. */
export interface ExportArguments {
  readonly folder: string;
  readonly id: ModelId;
  readonly context: number | undefined;
  readonly variant: string | undefined;
  readonly format: "onnx" | "ort";
}

const OPTIONS = {
  local: { type: "boolean" },
  help: { type: "boolean" },
  models: { type: "string", multiple: true },
  name: { type: "string" },
  version: { type: "string" },
  context: { type: "string" },
  variant: { type: "string" },
  format: { type: "string" },
} as const;

/** @throws UserError */
export function parseArguments(args: readonly string[]): Arguments {
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: OPTIONS,
    });
    return {
      names: positionals,
      folders: values.models ?? [projectPath("models")],
      target: values.local ? "--local" : "--remote",
      help: values.help ?? false,
      exported: parseExportArguments(positionals, values),
    };
  } catch (error) {
    throw new UserError(`${reason(error)}; --help lists the arguments`);
  }
}

function parseExportArguments(
  folders: readonly string[],
  values: Partial<Record<"name" | "version" | "context" | "variant" | "format", string>>,
): ExportArguments | undefined {
  const { name, version = "1", context, variant, format = "ort" } = values;
  if (name === undefined) {
    const other = (["version", "context", "variant", "format"] as const).find(
      (each) => values[each],
    );
    if (other) throw new UserError(`--${other} is for a folder that is uploaded with --name NAME`);
    return undefined;
  }
  const [folder, ...others] = folders;
  if (folder === undefined || others.length > 0)
    throw new UserError(`--name is for one folder, and ${folders.length} are given`);
  if (format !== "ort" && format !== "onnx")
    throw new UserError(`--format must be ort or onnx, got ${format}`);
  if (context !== undefined && !/^[1-9]\d{0,6}$/.test(context))
    throw new UserError(`--context must be a number of tokens, got ${context}`);
  const id = { name: parseModelName(name), version };
  if (!MODEL_VERSION.test(version))
    throw new UserError(`--version must be a positive integer, got ${version}`);
  return {
    folder,
    id,
    context: context === undefined ? undefined : Number(context),
    variant,
    format,
  };
}

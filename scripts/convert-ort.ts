import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { exitWith, reason, UserError } from "../packages/cli/src/local/user-error.ts";
import {
  isOrtFormat,
  OPTIMIZATION_LEVELS,
  type OptimizationLevel,
  toOrtFormat,
} from "./ort-format.ts";

const LEVELS = Object.keys(OPTIMIZATION_LEVELS).join(", ");

const HELP = `Converts an ONNX model to ORT format, which loads faster and needs less memory.

  node scripts/bootstrap.mjs scripts/convert-ort.ts <model.onnx> <model.ort> [--level <level>]

  --level  graph optimization level: ${LEVELS}.
           "all" (the default) is the level at which the Worker loads ONNX files, so the outputs
           are bit-identical.
  --help   prints this text.

The file is for the version of onnxruntime-web in package.json; the conversion is deterministic.`;

await convert(process.argv.slice(2)).catch(exitWith);

async function convert(args: string[]): Promise<void> {
  const { source, target, level, help } = parse(args);
  if (help) return console.log(HELP);
  const model = read(source);
  let converted: Uint8Array;
  try {
    converted = await toOrtFormat(model, level);
  } catch (error) {
    throw new UserError(`${source} can't be converted: ${reason(error)}`);
  }
  try {
    writeFileSync(target, converted);
  } catch (error) {
    throw new UserError(`${target} can't be written: ${reason(error)}`);
  }
  console.log(`${target}: ${converted.byteLength} bytes (${source}: ${model.byteLength} bytes)`);
}

function parse(args: string[]) {
  const options = { level: { type: "string" }, help: { type: "boolean" } } as const;
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UserError(`${reason(error)}\n\n${HELP}`);
  }
  const { positionals, values } = parsed;
  const { level = "all", help = false } = values;
  const [source = "", target = ""] = positionals;
  if (!help && positionals.length !== 2)
    throw new UserError(`expected a model and an output file\n\n${HELP}`);
  if (!isLevel(level))
    throw new UserError(`--level must be one of ${LEVELS}; got ${JSON.stringify(level)}`);
  return { source, target, level, help };
}

function isLevel(text: string): text is OptimizationLevel {
  return Object.hasOwn(OPTIMIZATION_LEVELS, text);
}

function read(file: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UserError(`${file} can't be read: ${reason(error)}`);
  }
  if (bytes.byteLength === 0) throw new UserError(`${file} is empty`);
  if (isOrtFormat(bytes)) throw new UserError(`${file} is in ORT format already`);
  return bytes;
}

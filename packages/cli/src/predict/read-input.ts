import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { beginsAsJson } from "../../../../src/domain/recognize-media.ts";
import { explain, usageError } from "../cli-error.ts";

/** What a request predicts from. */
export type Input =
  /** JSON as it was written, so that no number is rounded. */
  | { readonly kind: "json"; readonly text: string; readonly value: unknown }
  | { readonly kind: "file"; readonly type: string; readonly bytes: Uint8Array };

/** By the ending of a file's name. */
const TYPES: Readonly<Record<string, string>> = {
  ".csv": "text/csv",
  ".flac": "audio/flac",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".mp3": "audio/mpeg",
  ".oga": "audio/ogg",
  ".ogg": "audio/ogg",
  ".opus": "audio/ogg",
  ".png": "image/png",
  ".txt": "text/plain",
  ".wav": "audio/wav",
  ".webp": "image/webp",
};
/** The server recognizes files by their bytes. */
const ANY_TYPE = "application/octet-stream";

const HINT = `JSON needs quotes around a text, and the shell around the JSON: --input '"a text"'; a file is @FILE, standard input is -`;

/**
 * `JSON`, `@FILE` or `-` for standard input.
 * @throws CliError for what is no JSON and no readable file
 */
export function readInput(text: string): Input {
  if (text === "-") return toInput(readFile(0, "standard input"), "standard input", undefined);
  if (!text.startsWith("@")) return { kind: "json", text, value: parseJson(text, "--input") };
  const file = text.slice(1);
  return toInput(readFile(file, file), file, extname(file).toLowerCase());
}

function toInput(bytes: Buffer, name: string, extension: string | undefined): Input {
  const type = TYPES[extension ?? ""];
  const isJson = extension === ".json" || (type === undefined && beginsAsJson(bytes));
  if (!isJson) return { kind: "file", type: type ?? ANY_TYPE, bytes };
  const text = bytes.toString("utf8");
  return { kind: "json", text, value: parseJson(text, name) };
}

function readFile(file: string | number, name: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw usageError(`--input: ${name} can't be read: ${explain(error)}`);
  }
  if (bytes.length === 0) throw usageError(`--input: ${name} is empty`);
  return bytes;
}

export function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw usageError(`${name} is not JSON: ${explain(error)}`, HINT);
  }
}

import * as z from "zod";
import { EXPORT_SCHEMAS, type ExportConfig, type ExportPart } from "./export-config.ts";

/** Where the parts of an export are in its folder. */
export const EXPORT_PATHS: Readonly<Record<ExportPart, string>> = {
  config: "config.json",
  generationConfig: "generation_config.json",
  tokenizerConfig: "tokenizer_config.json",
  tokenizer: "tokenizer.json",
  pooling: "1_Pooling/config.json",
  modules: "modules.json",
  preprocessor: "preprocessor_config.json",
};

export const CHAT_TEMPLATE_PATH = "chat_template.jinja";

/** The file of an export cannot be read. The message names it, and says why. */
export class ExportFileError extends Error {
  override readonly name = "ExportFileError";
}

/**
 * Reads the configuration of an export.
 * @param read a file of its folder; `undefined` when it is missing
 * @throws ExportFileError for a file that is not valid
 */
export async function parseExport(
  read: (path: string) => Promise<Uint8Array | undefined>,
): Promise<ExportConfig> {
  const parts: Record<string, unknown> = {};
  for (const [part, path] of Object.entries(EXPORT_PATHS)) {
    const bytes = await read(path);
    if (bytes) parts[part] = parsePart(part as ExportPart, path, bytes);
  }
  const template = await read(CHAT_TEMPLATE_PATH);
  if (template) parts.chatTemplate = decode(CHAT_TEMPLATE_PATH, template);
  return parts;
}

function parsePart(part: ExportPart, path: string, bytes: Uint8Array): unknown {
  const text = decode(path, bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ExportFileError(`${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const result = EXPORT_SCHEMAS[part].safeParse(value);
  if (result.success) return result.data;
  const problems = z.prettifyError(result.error).replaceAll("\n", " ");
  throw new ExportFileError(`${path} is not valid: ${problems}`);
}

function decode(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw new ExportFileError(`${path} is not valid UTF-8`, { cause });
  }
}

import type { TextLinesBlock } from "../../domain/blocks/postprocess/text-lines.ts";
import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { formatModelId } from "../../domain/model-id.ts";

/** What the indices of an output stand for. */
export interface Dictionary {
  /** By index; "" for the blank. */
  readonly characters: readonly string[];
  readonly blank: number;
}

/** @throws ApiError `task_not_supported` for a file that is no text, or has not as many lines as the output has characters */
export function readDictionary(
  file: Uint8Array,
  { output, indices, dictionary, blank, space }: TextLinesBlock,
  manifest: Manifest,
): Dictionary {
  const unusable = (why: string): ApiError =>
    new ApiError(
      "task_not_supported",
      `${formatModelId(manifest)} cannot run its task, because ${dictionary} ${why}. Publish another version.`,
      { details: { model: manifest.name, version: manifest.version, file: dictionary } },
    );
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(file);
  } catch {
    throw unusable("is no text in UTF-8");
  }
  const lines = text.split("\n").map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  if (lines.at(-1) === "") lines.pop();
  const known = [...lines, ...(space ? [" "] : [])];
  const characters = blank === "first" ? ["", ...known] : [...known, ""];
  const { shape = [] } = manifest.outputs.find(({ name }) => name === output) ?? {};
  const expected = indices === undefined ? fixedSize(shape[2]) : undefined;
  if (expected !== undefined && expected !== characters.length)
    throw unusable(
      `has ${lines.length} lines, with the blank${space ? " and the space" : ""} ${characters.length} characters, and "${output}" has ${expected}`,
    );
  return { characters, blank: blank === "first" ? 0 : characters.length - 1 };
}

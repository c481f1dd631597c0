import { readFileSync } from "node:fs";
import { explain, usageError } from "../cli-error.ts";
import { type Input, parseJson, readInput } from "../predict/read-input.ts";

export interface NamedInput {
  readonly name: string;
  readonly input: Input;
}

/** One input, or one in each line of a file whose name ends in .jsonl or .ndjson. */
export function readInputs(text: string): NamedInput[] {
  if (!/^@.*\.(?:jsonl|ndjson)$/i.test(text)) {
    const name = text.startsWith("@") ? text.slice(1) : text === "-" ? "standard input" : "input";
    return [{ name, input: readInput(text) }];
  }
  const file = text.slice(1);
  let lines: string[];
  try {
    lines = readFileSync(file, "utf8").split(/\r?\n/);
  } catch (error) {
    throw usageError(`--input: ${file} can't be read: ${explain(error)}`);
  }
  const inputs = lines.flatMap((line, index): NamedInput[] => {
    if (line.trim() === "") return [];
    const name = `line ${index + 1}`;
    return [
      { name, input: { kind: "json", text: line, value: parseJson(line, `${file}: ${name}`) } },
    ];
  });
  if (inputs.length === 0) throw usageError(`--input: ${file} has no lines`);
  return inputs;
}

import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { MAX_EXAMPLE_ROWS } from "../../../../src/domain/monitoring/reference-profile.ts";
import { explain, usageError } from "../cli-error.ts";
import { parseJson } from "../predict/read-input.ts";

/** What is sent to make a profile of, or a finished one. */
export interface ExampleData {
  readonly contentType: "application/json" | "text/csv";
  readonly body: string;
  /** What was left out, in one sentence. */
  readonly note?: string;
}

/**
 * Reads a file: CSV with a heading; JSON lines with an input in each; JSON with a list of inputs, `{"inputs": [...]}`, or a finished profile. Of more rows than
 * `maxRows` as many are taken, evenly spaced.
 * @throws CliError for what is no such file
 */
export function readExampleData(file: string, maxRows = MAX_EXAMPLE_ROWS): ExampleData {
  const text = readText(file);
  switch (extname(file).toLowerCase()) {
    case ".csv":
      return toCsv(text, maxRows);
    case ".jsonl":
    case ".ndjson":
      return toJson({ inputs: readLines(text, file) }, maxRows);
    case ".json": {
      const value = parseJson(text, file);
      return toJson(Array.isArray(value) ? { inputs: value } : value, maxRows);
    }
    default:
      throw usageError(
        `${file} must be example data: a file whose name ends in .csv, .json or .jsonl`,
      );
  }
}

function readText(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw usageError(`${file} can't be read: ${explain(error)}`);
  }
  if (text.trim() === "") throw usageError(`${file} is empty`);
  return text;
}

function readLines(text: string, file: string): unknown[] {
  return text
    .split(/\r?\n/)
    .flatMap((line, index) =>
      line.trim() === "" ? [] : [parseJson(line, `${file}: line ${index + 1}`)],
    );
}

function toCsv(text: string, maxRows: number): ExampleData {
  const [heading = "", ...lines] = text.split(/\r?\n/).filter((line) => line !== "");
  // A quoted cell may have line breaks: then lines are not rows, and the server counts those.
  if (text.includes('"')) return { contentType: "text/csv", body: text };
  const rows = sample(lines, maxRows);
  return {
    contentType: "text/csv",
    body: [heading, ...rows, ""].join("\n"),
    ...noteOf(lines.length, rows.length),
  };
}

function toJson(value: unknown, maxRows: number): ExampleData {
  const { inputs } = Object(value) as { inputs?: unknown };
  if (!Array.isArray(inputs))
    return { contentType: "application/json", body: JSON.stringify(value) };
  const rows = sample(inputs, maxRows);
  return {
    contentType: "application/json",
    body: JSON.stringify({ ...Object(value), inputs: rows }),
    ...noteOf(inputs.length, rows.length),
  };
}

function sample<T>(rows: readonly T[], maxRows: number): readonly T[] {
  if (rows.length <= maxRows) return rows;
  return Array.from(
    { length: maxRows },
    (_, index) => rows[Math.floor((index * rows.length) / maxRows)] as T,
  );
}

function noteOf(given: number, taken: number): Pick<ExampleData, "note"> {
  if (given === taken) return {};
  return { note: `of ${given} rows ${taken} are taken, evenly spaced` };
}

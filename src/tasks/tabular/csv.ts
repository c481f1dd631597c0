import type { DELIMITERS } from "../../domain/blocks/preprocess/tabular.ts";
import { ApiError } from "../../domain/errors.ts";
import { clipAll, quoteAll } from "../../shared/quote.ts";
import { MAX_VALUES } from "../preprocessor.ts";

export interface CsvOptions {
  readonly delimiter: (typeof DELIMITERS)[number];
  /** Whether the first record holds the names of the columns. */
  readonly header: boolean;
}

/** The cells of a row in the order of the model's columns; `undefined` for a column that is left out. */
export type CsvRow = readonly (string | undefined)[];

/**
 * Parses CSV: RFC 4180 in UTF-8, with or without a byte order mark, with LF, CRLF or CR line ends.
 * Spaces around cells and empty lines are ignored.
 * @param columns names of the model's columns, in whose order cells are returned
 * @param isOptional which columns may be left out
 * @returns in steps, see `runInSteps`
 * @throws ApiError `invalid_input` that names the line, or the columns
 */
export function* readCsv(
  bytes: Uint8Array,
  columns: readonly string[],
  isOptional: (column: string) => boolean,
  { delimiter, header }: CsvOptions,
): Generator<typeof PAUSE, CsvRow[]> {
  const rows: CsvRow[] = [];
  const maxRows = Math.floor(MAX_VALUES / columns.length);
  const first = header ? undefined : columns;
  /** The names of a record's cells, and the index of each column among them. */
  let names = first;
  let positions: readonly number[] | undefined = first?.map((_, index) => index);
  const maxCells = 2 * columns.length + 10;
  for (const record of readRecords(decode(bytes), delimiter, maxCells)) {
    if (record === PAUSE) {
      yield PAUSE;
      continue;
    }
    const { cells, line } = record;
    if (!names || !positions) {
      names = cells;
      positions = readHeader(cells, columns, isOptional);
      continue;
    }
    if (cells.length !== names.length)
      throw refuse(
        `the row in line ${line} has ${cells.length} cells instead of ${names.length} (${names.join(", ")})`,
      );
    if (rows.length === maxRows)
      throw refuse(`it has more than ${maxRows} rows, the limit of a request`);
    rows.push(positions.map((position) => cells[position]));
  }
  if (rows.length === 0) throw refuse(header ? "it has no row after its header" : "it is empty");
  return rows;
}

/** A record, which begins in line `line` of the text. */
export interface CsvRecord {
  readonly cells: readonly string[];
  readonly line: number;
}

/** Is yielded after every 64 KiB of text, a millisecond of work, for a checkpoint. */
export const PAUSE = Symbol("pause");

/** Characters of a cell. Longer ones are no numbers, and no names. */
const MAX_CELL_LENGTH = 65_536;
const PAUSE_LENGTH = 65_536;
const QUOTE = '"';
const LINE_END = /\r\n|\n|\r/g;

/**
 * The records of a text, one after the other, so that a table is not in memory twice, with pauses between them.
 * @param maxCells how many cells a record may have; more are refused before they are read
 * @throws ApiError `invalid_input` that names the line
 */
export function* readRecords(
  text: string,
  delimiter: string,
  maxCells: number,
): Generator<CsvRecord | typeof PAUSE> {
  let position = 0;
  let paused = 0;
  let line = 1;
  const isSpace = (character: string | undefined): boolean =>
    character === " " || (character === "\t" && delimiter !== "\t");
  const isEnd = (character: string | undefined): boolean =>
    character === undefined || character === "\n" || character === "\r";

  const skipSpaces = (): void => {
    while (isSpace(text[position])) position++;
  };

  const readQuoted = (): string => {
    const opening = line;
    let cell = "";
    for (let start = position + 1; ; start = position + 1) {
      position = text.indexOf(QUOTE, start);
      if (position < 0) throw refuse(`a quoted cell that begins in line ${opening} is not closed`);
      if (cell.length + position - start > MAX_CELL_LENGTH) throw tooLong(line);
      const piece = text.slice(start, position);
      line += piece.match(LINE_END)?.length ?? 0;
      cell += piece;
      position++;
      if (text[position] !== QUOTE) break;
      // Two quotes stand for one quote of the cell.
      cell += QUOTE;
    }
    skipSpaces();
    if (text[position] !== delimiter && !isEnd(text[position]))
      throw refuse(`text follows a closing quote in line ${line}`);
    return cell;
  };

  const readPlain = (): string => {
    const start = position;
    while (text[position] !== delimiter && !isEnd(text[position])) {
      if (text[position] === QUOTE) throw refuse(`an unquoted cell has a quote in line ${line}`);
      position++;
      if (position - start > MAX_CELL_LENGTH) throw tooLong(line);
    }
    return text.slice(start, position).trimEnd();
  };

  while (position < text.length) {
    const cells: string[] = [];
    const begin = line;
    let quoted = false;
    for (;;) {
      skipSpaces();
      const isQuoted = text[position] === QUOTE;
      quoted ||= isQuoted;
      cells.push(isQuoted ? readQuoted() : readPlain());
      if (cells.length > maxCells)
        throw refuse(
          `line ${line} has more than ${maxCells} cells, which the model does not have columns for`,
        );
      if (position - paused > PAUSE_LENGTH) {
        paused = position;
        yield PAUSE;
      }
      if (text[position] !== delimiter) break;
      position++;
    }
    position += text[position] === "\r" && text[position + 1] === "\n" ? 2 : 1;
    line++;
    const isEmpty = cells.length === 1 && cells[0] === "" && !quoted;
    if (!isEmpty) yield { cells, line: begin };
  }
}

function tooLong(line: number): ApiError {
  return refuse(`a cell in line ${line} has more than ${MAX_CELL_LENGTH} characters`);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw refuse("it is not UTF-8");
  }
}

function readHeader(
  names: readonly string[],
  columns: readonly string[],
  isOptional: (column: string) => boolean,
): readonly number[] {
  const known = new Set(columns);
  const positions = new Map(names.map((name, index) => [name, index]));
  const repeated = new Set(names.filter((name, index) => positions.get(name) !== index));
  const unknown = names.filter((name) => !known.has(name));
  const missing = columns.filter((name) => !positions.has(name) && !isOptional(name));
  const twice = columns.filter((name) => repeated.has(name));
  const problems = [
    ["missing:", missing],
    ["unknown:", unknown],
    ["repeated:", twice],
  ] as const;
  const found = problems.filter(([, list]) => list.length > 0);
  if (found.length === 0) return columns.map((name) => positions.get(name) ?? -1);
  throw refuse(
    `its first line must name the columns ${columns.join(", ")}, in any order; ${found.map(([what, list]) => `${what} ${quoteAll(list)}`).join("; ")} (with ?header=false the first line is a row, in this order)`,
    { expected: columns, missing, unknown: clipAll(unknown) },
  );
}

function refuse(problem: string, details?: Readonly<Record<string, unknown>>): ApiError {
  return new ApiError("invalid_input", `The table cannot be parsed: ${problem}.`, {
    ...(details && { details }),
  });
}

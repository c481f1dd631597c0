import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type CsvRecord, PAUSE, readRecords } from "../../../../src/tasks/tabular/csv.ts";
import { catchApiError } from "../../../support/errors.ts";

/** The records without the pauses between them. */
function records(text: string, delimiter: string, maxCells: number): CsvRecord[] {
  return [...readRecords(text, delimiter, maxCells)].filter((record) => record !== PAUSE);
}

const cell = fc.oneof(
  fc.constantFrom("", " ", '"', '""', ",", ";", "\n", "\r\n", "a", "NA", "1.5", " b ", "\t"),
  fc.string({ maxLength: 6 }),
);
const rows = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 6 });
const style = fc.record({
  delimiter: fc.constantFrom(",", ";", "\t", "|"),
  end: fc.constantFrom("\n", "\r\n"),
  atEnd: fc.boolean(),
  spaces: fc.constantFrom("", " "),
});

test("quoted tables are parsed to the cells they were written from, as by csv-parse", () => {
  fc.assert(
    fc.property(rows, style, (table, { delimiter, end, atEnd, spaces }) => {
      const write = (value: string): string => `${spaces}"${value.replaceAll('"', '""')}"${spaces}`;
      const lines = table.map((row) => row.map(write).join(delimiter));
      const text = lines.join(end) + (atEnd && lines.length > 0 ? end : "");
      const read = records(text, delimiter, 10).map(({ cells }) => cells);
      expect(read).toEqual(table);
      const options = { delimiter, trim: true, relax_column_count: true, skip_empty_lines: true };
      // It trims what is inside of quotes as well, and counts a line of one empty cell as empty.
      const trimmed = table.map((row) => row.map((value) => value.trim()));
      if (trimmed.every((row, index) => row.join() === table[index]?.join()))
        expect(read).toEqual(parse(text, options));
    }),
    { numRuns: 500 },
  );
});

test("plain tables are parsed as by csv-parse", () => {
  const plain = fc.stringMatching(/^[a-z0-9 .;-]{0,5}$/);
  fc.assert(
    fc.property(fc.array(fc.array(plain, { minLength: 2, maxLength: 4 })), (table) => {
      const text = table.map((row) => row.join(",")).join("\n\n");
      const read = records(text, ",", 10).map(({ cells }) => cells);
      expect(read).toEqual(
        parse(text, { trim: true, relax_column_count: true, skip_empty_lines: true }),
      );
    }),
    { numRuns: 500 },
  );
});

test.each(["1,2\n", "\n", '"a""b",\n', " ,\t\r\n"])(
  "a long text of lines %j has a pause after every 64 KiB",
  (line) => {
    const text = line.repeat(1_000_000 / line.length);
    const pauses = [...readRecords(text, ",", 2)].filter((record) => record === PAUSE);
    expect(pauses.length).toBeGreaterThanOrEqual(Math.floor(text.length / 65_600));
  },
);

test("a cell of 65,536 characters is read", () => {
  const text = "x".repeat(65_536);
  expect(records(`${text},"${text}"`, ",", 2)).toEqual([{ cells: [text, text], line: 1 }]);
});

test("a record has the line that it begins in", () => {
  const text = 'a,b\r\n\r\n"1\n2",3\n"x\r\ny\r\n",z\rlast,one';
  expect(records(text, ",", 2)).toEqual([
    { cells: ["a", "b"], line: 1 },
    { cells: ["1\n2", "3"], line: 3 },
    { cells: ["x\r\ny\r\n", "z"], line: 5 },
    { cells: ["last", "one"], line: 8 },
  ]);
});

test.each([
  ['a\n"b', "a quoted cell that begins in line 2 is not closed"],
  ['a\n"b\n\n""', "a quoted cell that begins in line 2 is not closed"],
  ['a\nb"c', "an unquoted cell has a quote in line 2"],
  ['"a\n"b', "text follows a closing quote in line 2"],
  ["a,b,c\nd,e,f,g", "line 2 has more than 3 cells"],
  [",".repeat(1_000_000), "line 1 has more than 3 cells"],
  [`a\n${"1".repeat(65_537)}`, "a cell in line 2 has more than 65536 characters"],
  [`a\n"${'""'.repeat(65_537)}"`, "a cell in line 2 has more than 65536 characters"],
])("%j is refused", (text, message) => {
  const error = catchApiError("invalid_input", () => records(text, ",", 3));
  expect(error.message).toContain(message);
});

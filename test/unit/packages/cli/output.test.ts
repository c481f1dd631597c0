import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createProgress } from "../../../../packages/cli/src/format/progress.ts";
import { formatSize } from "../../../../packages/cli/src/format/size.ts";
import { toTable } from "../../../../packages/cli/src/format/table.ts";
import { createOutput } from "../../../../packages/cli/src/output.ts";

/** What is written to a terminal of 80 columns, or to a file. */
class Screen extends PassThrough {
  readonly isTTY: boolean;
  readonly columns = 80;
  text = "";

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
    this.setEncoding("utf8").on("data", (text: string) => {
      this.text += text;
    });
  }

  hasColors(): boolean {
    return true;
  }

  // What a progress bar does with the cursor.
  cursorTo(): boolean {
    return true;
  }

  clearLine(): boolean {
    return true;
  }
}

let variables: Record<string, string | undefined>;
beforeEach(() => {
  const { NO_COLOR } = process.env;
  variables = { NO_COLOR };
  delete process.env.NO_COLOR;
});
afterEach(() => {
  delete process.env.NO_COLOR;
  if (variables.NO_COLOR !== undefined) process.env.NO_COLOR = variables.NO_COLOR;
});

function open(json: boolean, isTTY: boolean) {
  const [stdout, stderr] = [new Screen(isTTY), new Screen(isTTY)];
  const streams = { stdout, stderr, stdin: new Screen(isTTY) } as unknown as Parameters<
    typeof createOutput
  >[1];
  return { stdout, stderr, output: createOutput(json, streams) };
}

describe("output", () => {
  test("has its result on standard output, and remarks on standard error", () => {
    for (const json of [false, true]) {
      const { output, stdout, stderr } = open(json, false);
      output.note("a remark");
      output.warn("a warning");
      output.result({ answer: 42 }, "the answer is 42");
      expect(stdout.text).toBe(json ? '{"answer":42}\n' : "the answer is 42\n");
      expect(stderr.text).toBe("a remark\nwarning: a warning\n");
    }
  });

  test("with --json is a line for each of several results", () => {
    const { output, stdout } = open(true, false);
    output.line({ a: 1 }, "one");
    output.line({ a: "\n" }, "two");
    expect(stdout.text).toBe('{"a":1}\n{"a":"\\n"}\n');
  });

  test("has colours on a terminal only, and not with NO_COLOR", () => {
    expect(open(false, true).output.style("red", "x")).toBe("\u001b[31mx\u001b[39m");
    expect(open(false, false).output.style("red", "x")).toBe("x");
    process.env.NO_COLOR = "1";
    expect(open(false, true).output.style("red", "x")).toBe("x");
  });

  // Escape sequences that set the title, clear the screen and hide what follows; the one-character form; a direction override.
  const HOSTILE = "a\u001b]0;title\u0007\u001b[2J\u001b[8m\u009b2J\u202eb\rc";
  const SHOWN = "a\\u001b]0;title\\u0007\\u001b[2J\\u001b[8m\\u009b2J\\u202eb\\u000dc";

  test("shows what a terminal would interpret as escapes, and leaves its own colours", () => {
    const { output, stdout, stderr } = open(false, true);
    output.result({}, `${output.style("bold", "x")} ${HOSTILE}`);
    output.line({}, HOSTILE);
    output.raw(`${HOSTILE}\n`);
    output.note(HOSTILE);
    output.warn(HOSTILE);
    expect(stdout.text).toBe(`\u001b[1mx\u001b[22m ${SHOWN}\n${SHOWN}\n${SHOWN}\n`);
    expect(stderr.text).toBe(`${SHOWN}\n\u001b[33mwarning:\u001b[39m ${SHOWN}\n`);
  });

  test("is written to a file as it is where a command writes it as it is", () => {
    const { output, stdout } = open(false, false);
    output.raw(HOSTILE);
    expect(stdout.text).toBe(HOSTILE);
  });

  test("with --json has no character that a terminal interprets, and the same value", () => {
    const { output, stdout } = open(true, true);
    output.result({ text: HOSTILE }, "");
    expect(stdout.text).toMatch(/^[ -~]+\n$/);
    expect(JSON.parse(stdout.text)).toEqual({ text: HOSTILE });
  });

  test("asks only where a terminal can answer", () => {
    expect(open(false, true).output.isInteractive).toBe(true);
    expect(open(false, false).output.isInteractive).toBe(false);
  });
});

describe("progress", () => {
  const MIB = 1_048_576;

  function upload(isTTY: boolean, totalBytes: number, doneBytes = 0): string {
    const screen = new Screen(isTTY);
    const stream = screen as unknown as NodeJS.WriteStream;
    const progress = createProgress("uploading", totalBytes, doneBytes, { stream });
    for (let sent = doneBytes; sent < totalBytes; sent += MIB) progress.advance(MIB);
    progress.end();
    return screen.text;
  }

  test("is a bar on a terminal", () => {
    const text = upload(true, 8 * MIB);
    expect(text).toContain("uploading ");
    expect(text).toMatch(/\d+% \| [\d.]+ MiB of 8\.0 MiB/);
  });

  test("is a line for each quarter elsewhere, of what is left after an interruption", () => {
    const lines = (parts: number[]) =>
      parts.map((part) => `uploading: ${part}% of 8.0 MiB\n`).join("");
    expect(upload(false, 8 * MIB)).toBe(lines([25, 50, 75, 100]));
    expect(upload(false, 8 * MIB, 4 * MIB)).toBe(lines([75, 100]));
  });

  test("of other work than an upload counts", () => {
    const screen = new Screen(true);
    const stream = screen as unknown as NodeJS.WriteStream;
    const progress = createProgress("comparing", 3, 0, { format: String, stream });
    progress.advance(1);
    progress.end();
    expect(screen.text).toContain("comparing ");
    expect(screen.text).toMatch(/\d+% \| [01] of 3 /);
  });

  test("of a small file has no lines", () => {
    expect(upload(false, 3 * MIB)).toBe("");
  });
});

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [62_800_143, "59.9 MiB"],
  [300 * 1024 ** 2, "300 MiB"],
  [5 * 1024 ** 4, "5.0 TiB"],
])("%d bytes are %s", (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

test("columns of a table are as wide as their longest text, without its colours", () => {
  const rows = [
    ["\u001b[1mA\u001b[22m", "BB", "C"],
    ["aaa", "b", ""],
  ];
  expect(toTable(rows)).toBe("\u001b[1mA\u001b[22m    BB  C\naaa  b");
});

test("a line break in a cell of a table makes no row", () => {
  expect(toTable([["a\n1  forged", "b"]])).toBe("a\\u000a1  forged  b");
});

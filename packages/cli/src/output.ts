import { styleText } from "node:util";
import { hideSecrets } from "./format/hide-secrets.ts";
import { toPrintable, toPrintableJson } from "./format/printable.ts";

/** Of `util.styleText`. */
export type Style = Parameters<typeof styleText>[0];

/** What a command writes: results on standard output, everything else on standard error. */
export interface Output {
  readonly json: boolean;
  /** Whether a person reads standard error, and can be asked. */
  readonly isInteractive: boolean;
  /** A remark, on standard error. */
  note(text: string): void;
  warn(text: string): void;
  /** The result of a command: with `--json` the value as one document, otherwise the text. */
  result(value: unknown, text: string): void;
  /** One of several results, as they come: with `--json` a line of JSON. */
  line(value: unknown, text: string): void;
  /** Writes to standard output as it is, with or without `--json`; a terminal gets escapes for what it would interpret. */
  raw(text: string): void;
  /** Colours of standard output, if it is a terminal. */
  style(style: Style, text: string): string;
}

/** Colours, if the stream is a terminal that has them, and neither NO_COLOR nor `--no-color` is set. */
export function styleFor(stream: NodeJS.WriteStream, style: Style, text: string): string {
  const isColoured = stream.isTTY && !process.env.NO_COLOR && stream.hasColors();
  // By default it looks at standard output, whatever the stream is.
  return isColoured ? styleText(style, text, { validateStream: false }) : text;
}

interface Streams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly stdin: NodeJS.ReadStream;
}

export function createOutput(json: boolean, streams: Streams = process): Output {
  const { stdout, stderr, stdin } = streams;
  const print = (text: string): void => void stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  const write = (value: unknown, text: string): void => {
    if (json) print(toPrintableJson(JSON.stringify(value)));
    else if (text !== "") print(toPrintable(text));
  };
  return {
    json,
    isInteractive: Boolean(stdin.isTTY && stderr.isTTY),
    note: (text) => void stderr.write(`${toPrintable(hideSecrets(text))}\n`),
    warn: (text) =>
      void stderr.write(
        `${styleFor(stderr, "yellow", "warning:")} ${toPrintable(hideSecrets(text))}\n`,
      ),
    result: write,
    line: write,
    raw: (text) => void stdout.write(stdout.isTTY ? toPrintable(text) : text),
    style: (style, text) => styleFor(stdout, style, text),
  };
}

import { Presets, SingleBar } from "cli-progress";
import { formatSize } from "./size.ts";

/** Lines of a progress that is no bar, in parts of the whole. */
const LINES = 4;
/** What takes no time to send needs no lines. */
const SMALLEST_FOR_LINES = 4_194_304;

export interface Progress {
  /** Negative for what is done again. */
  advance(amount: number): void;
  end(): void;
}

export interface ProgressOptions {
  /** How amounts are written; as sizes by default. */
  readonly format?: (amount: number) => string;
  readonly stream?: NodeJS.WriteStream;
}

/** The progress of long work: a bar on a terminal, otherwise a few lines for a large upload. It goes to standard error. */
export function createProgress(
  label: string,
  total: number,
  done: number,
  { format = formatSize, stream = process.stderr }: ProgressOptions = {},
): Progress {
  return stream.isTTY
    ? createBar(label, total, done, { format, stream })
    : createLines(label, total, done, stream);
}

function createBar(
  label: string,
  total: number,
  done: number,
  { format, stream }: Required<ProgressOptions>,
): Progress {
  const bar = new SingleBar(
    {
      format: `${label} {bar} {percentage}% | {size} | {eta_formatted} left`,
      stream,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: true,
      etaBuffer: 50,
      formatTime: (seconds) => `${Math.max(0, Math.round(seconds))} s`,
    },
    Presets.shades_classic,
  );
  let reached = done;
  const size = (): string => `${format(reached)} of ${format(total)}`;
  bar.start(total, done, { size: size() });
  return {
    advance(amount) {
      reached += amount;
      bar.update(reached, { size: size() });
    },
    end: () => bar.stop(),
  };
}

function createLines(
  label: string,
  totalBytes: number,
  doneBytes: number,
  stream: NodeJS.WriteStream,
): Progress {
  let sent = doneBytes;
  let printed = Math.floor((sent / totalBytes) * LINES);
  return {
    advance(bytes) {
      sent += bytes;
      const reached = Math.floor((sent / totalBytes) * LINES);
      if (reached <= printed || totalBytes < SMALLEST_FOR_LINES) return;
      printed = reached;
      const percentage = Math.round((reached / LINES) * 100);
      stream.write(`${label}: ${percentage}% of ${formatSize(totalBytes)}\n`);
    },
    end() {},
  };
}

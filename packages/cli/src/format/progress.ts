import { Presets, SingleBar } from "cli-progress";
import { formatSize } from "./size.ts";

/** Lines of a progress that is no bar, in parts of the whole. */
const LINES = 4;
/** What takes no time to send needs no lines. */
const SMALLEST_FOR_LINES = 4_194_304;

export interface Progress {
  /** Negative for bytes that are sent again. */
  advance(bytes: number): void;
  end(): void;
}

/** The progress of an upload: a bar on a terminal, otherwise a few lines. It goes to standard error. */
export function createProgress(
  label: string,
  totalBytes: number,
  doneBytes: number,
  stream: NodeJS.WriteStream = process.stderr,
): Progress {
  const create = stream.isTTY ? createBar : createLines;
  return create(label, totalBytes, doneBytes, stream);
}

function createBar(
  label: string,
  totalBytes: number,
  doneBytes: number,
  stream: NodeJS.WriteStream,
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
  let sent = doneBytes;
  const size = (): string => `${formatSize(sent)} of ${formatSize(totalBytes)}`;
  bar.start(totalBytes, doneBytes, { size: size() });
  return {
    advance(bytes) {
      sent += bytes;
      bar.update(sent, { size: size() });
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

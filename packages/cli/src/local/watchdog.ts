import { setTimeout as pause } from "node:timers/promises";
import type { ChildUsage } from "./child-usage.ts";

/**
 * Ends a server that works on one request without an end. Cloudflare ends a request at its CPU limit (`[limits]` of
 * wrangler.toml); workerd on this machine does not, and its thread answers nobody meanwhile.
 */
export interface WatchdogOptions {
  /** CPU time without an answer at which the server is ended. */
  readonly limitMs: number;
  /** Whether the server answers; `false` after a short while. */
  readonly answers: () => Promise<boolean>;
  /** The server's process; `undefined` while there is none. */
  readonly usage: () => ChildUsage | undefined;
  /** Ends the process, which has used `cpuMs` of CPU time since it last answered. */
  readonly end: (pid: number, cpuMs: number) => void;
  readonly pauseMs?: number;
}

const PAUSE_MS = 1000;

/**
 * Watches until the signal is aborted. Counts CPU time since the last answer, not time that has passed: a machine that
 * sleeps, swaps or is busy otherwise does not end the server, nor does work of any length that lets it answer in between,
 * such as seeding and loading models.
 */
export async function watch(
  { limitMs, answers, usage, end, pauseMs = PAUSE_MS }: WatchdogOptions,
  signal: AbortSignal,
): Promise<void> {
  /** The process when it first failed to answer. */
  let silent: ChildUsage | undefined;
  while (!signal.aborted) {
    if (await answers()) {
      silent = undefined;
      await pause(pauseMs, undefined, { signal }).catch(() => undefined);
      continue;
    }
    const current = usage();
    if (!current || current.pid !== silent?.pid) {
      silent = current;
      await pause(Math.min(pauseMs, limitMs / 4), undefined, { signal }).catch(() => undefined);
      continue;
    }
    const cpuMs = current.cpuMs - silent.cpuMs;
    if (cpuMs >= limitMs && !signal.aborted) {
      silent = undefined;
      end(current.pid, cpuMs);
    }
  }
}

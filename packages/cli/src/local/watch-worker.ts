import { findChild } from "./child-usage.ts";
import type { LogLine } from "./local-worker.ts";
import { UserError } from "./user-error.ts";
import { watch } from "./watchdog.ts";
import { WATCHDOG_REQUEST_ID } from "./watchdog-request.ts";

/** How long one request waits for its answer. */
const MAX_ANSWER_MS = 1000;

/** Whether a line of the Worker's log is the event of a request of the watchdog. */
export function isWatchdogEvent({ message }: LogLine): boolean {
  return message.includes(`"requestId":"${WATCHDOG_REQUEST_ID}"`);
}

/**
 * The CPU limit of a request on this machine in milliseconds, 0 for none.
 * @param text the variable ONNXFLARE_CPU_MS
 * @param configured `limits.cpu_ms` of wrangler.toml
 */
export function parseCpuLimit(text: string | undefined, configured: number | undefined): number {
  if (!text) return configured ?? 0;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UserError(`ONNXFLARE_CPU_MS must be a number of milliseconds, or 0; got ${text}`);
}

/** Ends workerd when a request has no end; Miniflare starts it again, with the same state, port and settings. */
export function watchWorker(url: URL, limitMs: number, report: (line: string) => void): void {
  if (limitMs === 0) return;
  const end = (pid: number, cpuMs: number): void => {
    report(
      `onnxflare: workerd answered nobody for ${seconds(cpuMs)} s of CPU time, the limit is ${seconds(limitMs)} s (cpu_ms in wrangler.toml): a request has a run without an end. Restarting workerd; ${url.origin} and the models stay the same.`,
    );
    process.kill(pid, "SIGKILL");
  };
  void watch(
    { limitMs, end, answers: () => answers(url), usage: () => findChild("workerd") },
    new AbortController().signal,
  );
}

async function answers(url: URL): Promise<boolean> {
  try {
    const response = await fetch(new URL("/v2/health/live", url), {
      headers: { "x-request-id": WATCHDOG_REQUEST_ID },
      signal: AbortSignal.timeout(MAX_ANSWER_MS),
    });
    await response.arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1).replace(/\.0$/, "");
}

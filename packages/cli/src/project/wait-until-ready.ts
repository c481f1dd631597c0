import { setTimeout as pause } from "node:timers/promises";
import { CliError, explain } from "../cli-error.ts";
import { failureCause } from "../server/failure-cause.ts";

export interface WaitOptions {
  readonly report: (line: string) => void;
  readonly signal: AbortSignal;
  /** A new address takes up to a minute to be known everywhere. */
  readonly timeoutMs?: number;
  readonly pauseMs?: number;
}

const MAX_ANSWER_MS = 10_000;

/**
 * Waits until a deployed server is ready.
 * @throws CliError with its last answer
 */
export async function waitUntilReady(
  url: string,
  { report, signal, timeoutMs = 90_000, pauseMs = 2000 }: WaitOptions,
): Promise<void> {
  const end = Date.now() + timeoutMs;
  for (let attempt = 1; ; attempt++) {
    const problem = await probe(url, signal);
    if (problem === undefined) return;
    signal.throwIfAborted();
    if (Date.now() >= end)
      throw new CliError(problem.reason, `${url} ${problem.message}`, {
        hint: "the Worker is deployed; npx onnxflare doctor examines it, and npx wrangler tail shows its errors",
      });
    if (attempt === 1) report(`waiting until ${url} is ready ...`);
    await pause(pauseMs, undefined, { signal });
  }
}

async function probe(
  url: string,
  signal: AbortSignal,
): Promise<{ reason: "unreachable" | "serverFailed"; message: string } | undefined> {
  try {
    const response = await fetch(`${url}/v2/health/ready`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(MAX_ANSWER_MS)]),
    });
    const text = await response.text();
    if (response.ok) return undefined;
    const message = `is not ready: status ${response.status}, ${text.slice(0, 300)}`;
    return { reason: "serverFailed", message };
  } catch (error) {
    return { reason: "unreachable", message: `can't be reached: ${explain(failureCause(error))}` };
  }
}

import { createRequire } from "node:module";
import { runNode } from "./child-process.ts";

const autocannon = createRequire(import.meta.url).resolve("autocannon");

/** All requests are equal, so `no-store` keeps cache hits out of the measurement. */
export const HEADERS: Readonly<Record<string, string>> = {
  "content-type": "application/json",
  "cache-control": "no-store",
};

export interface Load {
  readonly url: URL;
  /** JSON text of every request. */
  readonly body: string;
  readonly connections: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly latencyMs: { readonly average: number; readonly p50: number; readonly p99: number };
}

interface AutocannonRun {
  readonly duration: number;
  readonly "2xx": number;
  readonly non2xx: number;
  readonly errors: number;
  readonly timeouts: number;
  readonly resets: number;
  readonly latency: { readonly average: number; readonly p50: number; readonly p99: number };
}

interface AutocannonResult extends AutocannonRun {
  readonly warmup: AutocannonRun;
}

/**
 * Sends the same POST repeatedly from a separate process (closed loop): each connection sends its next
 * request when it has received the response to the previous one.
 * @throws Error when a request fails, in the warm-up too
 */
export async function applyLoad(load: Load): Promise<LoadResult> {
  const { url, body, connections, warmUpSeconds, seconds } = load;
  const options: readonly (readonly string[])[] = [
    ["--method", "POST"],
    ...Object.entries(HEADERS).map(([name, value]) => ["--headers", `${name}=${value}`]),
    ["--body", body],
    ["--connections", `${connections}`],
    ["--duration", `${seconds}`],
    ["--warmup", "[", "--connections", `${connections}`, "--duration", `${warmUpSeconds}`, "]"],
    ["--json"],
  ];
  // autocannon sends all requests to localhost:PORT when PORT is set.
  const output = await runNode([autocannon, ...options.flat(), url.href], {
    env: { PORT: undefined },
  });
  // One line for the warm-up and one for the measurement, which repeats the warm-up's.
  const result = JSON.parse(output.trim().split("\n").at(-1) ?? "") as AutocannonResult;
  for (const [phase, run] of [
    ["warm-up", result.warmup],
    ["measurement", result],
  ] as const)
    assertAllSucceeded(url, phase, run);
  const { average, p50, p99 } = result.latency;
  return {
    requests: result["2xx"],
    seconds: result.duration,
    perSecond: result["2xx"] / result.duration,
    latencyMs: { average, p50, p99 },
  };
}

function assertAllSucceeded(url: URL, phase: string, run: AutocannonRun): void {
  const { non2xx, errors, timeouts, resets } = run;
  if (run["2xx"] > 0 && non2xx + errors + timeouts + resets === 0) return;
  throw new Error(
    `${url.pathname} in the ${phase}: ${run["2xx"]} requests succeeded, ${non2xx} got an error status, ${errors} failed, ${timeouts} timed out, ${resets} were reset`,
  );
}

import { projectPath } from "../scripts/project.ts";
import { runNode } from "./child-process.ts";

/** Requests that start at a fixed rate, independent of the responses to earlier ones. */
export interface OpenLoop {
  readonly url: string;
  /** JSON text of every request. */
  readonly body: string;
  readonly perSecond: number;
  readonly seconds: number;
  /** Largest number of open connections; a request without a free connection waits for one. */
  readonly connections: number;
}

/** Milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface Responses {
  readonly count: number;
  /** Those received before the scheduled start of the last request. */
  readonly inTime: number;
  /** From the scheduled start of the request. */
  readonly latencyMs: Percentiles;
  /** The distinct `retry-after` values. */
  readonly retryAfterSeconds: readonly number[];
}

export interface OpenLoopResult {
  readonly requests: number;
  /** Requests without a response. */
  readonly failed: number;
  /** Delay until a request gets a connection: when it is long, the generator is the bottleneck. */
  readonly lagMs: Percentiles;
  /** By status. */
  readonly responses: Readonly<Record<string, Responses>>;
}

/** Sends the same POST repeatedly from a separate process. */
export async function applyOpenLoop(loop: OpenLoop): Promise<OpenLoopResult> {
  const program = projectPath("bench", "open-loop-process.ts");
  return JSON.parse(await runNode([program], { input: JSON.stringify(loop) })) as OpenLoopResult;
}

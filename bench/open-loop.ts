import { projectPath } from "../scripts/project.ts";
import { runNode } from "./child-process.ts";

/** Requests that begin at a fixed rate, whether those before them are answered or not. */
export interface OpenLoop {
  readonly url: string;
  /** JSON text of every request. */
  readonly body: string;
  readonly perSecond: number;
  readonly seconds: number;
  /** The most connections that are opened; a request that finds none free waits for one. */
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
  /** Of them, those that came before the last request was due to begin. */
  readonly inTime: number;
  /** From the moment at which the request was due to begin. */
  readonly latencyMs: Percentiles;
  /** The different `retry-after` values. */
  readonly retryAfterSeconds: readonly number[];
}

export interface OpenLoopResult {
  readonly requests: number;
  /** Requests without a response. */
  readonly failed: number;
  /** How late requests were given a connection: when that is long, the generator is the limit. */
  readonly lagMs: Percentiles;
  /** By status. */
  readonly responses: Readonly<Record<string, Responses>>;
}

/** Sends the same POST over and over from a process of its own. */
export async function applyOpenLoop(loop: OpenLoop): Promise<OpenLoopResult> {
  const program = projectPath("bench", "open-loop-process.ts");
  return JSON.parse(await runNode([program], { input: JSON.stringify(loop) })) as OpenLoopResult;
}

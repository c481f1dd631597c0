import { projectPath } from "../scripts/project.ts";
import type { Phase as RequestPhase } from "../src/domain/trace.ts";
import { runNode } from "./child-process.ts";
import type { JsonTensor } from "./tensor-json.ts";

/** The entries of `server-timing`. */
export type Phase = RequestPhase | "total";

export interface ClientLoop {
  readonly origin: string;
  readonly model: string;
  /** FP32. */
  readonly input: JsonTensor;
  /** Whether tensors are sent as bytes or as JSON. */
  readonly binary: boolean;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface ClientLoopResult {
  readonly runs: number;
  readonly elapsedMs: number;
  /** The part of `elapsedMs` between the first byte of a request and the last byte of its response. */
  readonly wireMs: number;
  /** The part of `wireMs` that the Worker reports, by phase. */
  readonly phasesMs: Readonly<Partial<Record<Phase, number>>>;
  /** Body sizes of one request and of one response. */
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly output: JsonTensor;
}

/** Runs the project's client in a separate Node process, one call after the other. */
export async function runClientLoop(loop: ClientLoop): Promise<ClientLoopResult> {
  const program = projectPath("bench", "client-loop-process.ts");
  return JSON.parse(await runNode([program], { input: JSON.stringify(loop) })) as ClientLoopResult;
}

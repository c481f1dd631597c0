import { projectPath } from "../scripts/project.ts";
import type { Phase as RequestPhase } from "../src/domain/trace.ts";
import { runNode } from "./child-process.ts";
import type { JsonTensor } from "./tensor-json.ts";

/** The parts of `server-timing`. */
export type Phase = RequestPhase | "total";

export interface ClientLoop {
  readonly origin: string;
  readonly model: string;
  /** FP32. */
  readonly input: JsonTensor;
  /** Whether tensors travel as bytes, or as JSON. */
  readonly binary: boolean;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface ClientLoopResult {
  readonly runs: number;
  readonly elapsedMs: number;
  /** Of `elapsedMs`, what was spent between a request's first byte and its answer's last. */
  readonly wireMs: number;
  /** Of `wireMs`, what the Worker says it took, by phase. */
  readonly phasesMs: Readonly<Partial<Record<Phase, number>>>;
  /** Of one request and of one answer. */
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly output: JsonTensor;
}

/** The project's client in a Node process of its own, one call after the other. */
export async function runClientLoop(loop: ClientLoop): Promise<ClientLoopResult> {
  const program = projectPath("bench", "client-loop.ts");
  return JSON.parse(await runNode([program], { input: JSON.stringify(loop) })) as ClientLoopResult;
}

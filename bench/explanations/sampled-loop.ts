import { projectPath } from "../../scripts/project.ts";
import { runNode } from "../child-process.ts";

export interface SampledLoop {
  /** One of `models/`, of a table of numbers. */
  readonly model: string;
  readonly methods: readonly string[];
  readonly seconds: number;
}

export interface SampledResult {
  readonly method: string;
  /** Rows of one explanation. */
  readonly runs: number;
  readonly rowsPerRun: number;
  /** Rows that the method runs the model for, each second of CPU time. */
  readonly explainedPerSecond: number;
  /** Of a loop of runs of the same explanation. */
  readonly loopPerSecond: number;
}

/** Explains by the public API of ONNX Runtime Web in a separate Node process: one thread, no HTTP. */
export async function runSampledLoop(loop: SampledLoop): Promise<SampledResult[]> {
  const program = projectPath("bench", "explanations", "sampled-loop-process.ts");
  return JSON.parse(await runNode([program], { input: JSON.stringify(loop) })) as SampledResult[];
}

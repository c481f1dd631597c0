import { projectPath } from "../scripts/project.ts";
import { runNode } from "./child-process.ts";
import type { JsonTensor } from "./tensor-json.ts";

export interface EngineLoop {
  readonly modelFile: string;
  readonly inputs: readonly JsonTensor[];
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface EngineLoopResult {
  readonly runs: number;
  readonly seconds: number;
  readonly outputs: readonly JsonTensor[];
}

/** Runs the public API of ONNX Runtime Web in a separate Node process: one thread, no HTTP, no JSON. */
export async function runEngineLoop(loop: EngineLoop): Promise<EngineLoopResult> {
  const program = projectPath("bench", "engine-loop-process.ts");
  return JSON.parse(await runNode([program], { input: JSON.stringify(loop) })) as EngineLoopResult;
}

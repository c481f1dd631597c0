import { type ChildProcess, fork } from "node:child_process";
import { projectPath } from "../scripts/project.ts";
import type { Tensor } from "../src/domain/tensor.ts";
import type { TestCase } from "./cases.ts";
import type { EngineResult } from "./outcome.ts";

/** Message to the process of the baseline, which replies with an {@link EngineResult}. */
export interface BaselineTask {
  readonly model: Uint8Array;
  readonly dataSets: readonly (readonly Tensor[])[];
  readonly outputNames: readonly string[];
}

export interface Baseline {
  run(testCase: TestCase): Promise<EngineResult>;
  dispose(): void;
}

/** Far more than any case needs: every case takes less than a second. */
const TIMEOUT_MS = 120_000;

/**
 * Runs plain ONNX Runtime Web with a session for each case. A process has one instance of the engine,
 * so the case after a crash gets a new process.
 */
export function createBaseline(): Baseline {
  let child: ChildProcess | undefined;
  const stop = (): void => {
    child?.kill();
    child = undefined;
  };
  process.once("exit", stop);
  return {
    async run({ model, dataSets, signature }) {
      const outputNames = signature.outputs.map(({ name }) => name);
      const inputs = dataSets.map((dataSet) => dataSet.inputs);
      child ??= fork(projectPath("conformance", "baseline-process.ts"), {
        serialization: "advanced",
        stdio: ["ignore", "ignore", "pipe", "ipc"],
      });
      const result = await send(child, { model, dataSets: inputs, outputNames });
      if ("reason" in result && result.reason === "crashed") stop();
      return result;
    },
    dispose() {
      process.off("exit", stop);
      stop();
    },
  };
}

function send(child: ChildProcess, task: BaselineTask): Promise<EngineResult> {
  return new Promise((resolve) => {
    let output = "";
    const settle = (result: EngineResult): void => {
      clearTimeout(timer);
      child.removeAllListeners("message").removeAllListeners("close");
      child.stderr?.removeAllListeners("data");
      child.stderr?.resume();
      resolve(result);
    };
    const timer = setTimeout(
      () => settle({ reason: "crashed", detail: `no result within ${TIMEOUT_MS} ms` }),
      TIMEOUT_MS,
    );
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.once("message", (result) => settle(result as EngineResult));
    child.once("close", (code) =>
      settle({ reason: "crashed", detail: `the process exited with code ${code}: ${output}` }),
    );
    child.send(task);
  });
}

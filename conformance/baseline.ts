import { type ChildProcess, fork } from "node:child_process";
import { projectPath } from "../scripts/project.ts";
import type { Tensor } from "../src/domain/tensor.ts";
import type { TestCase } from "./cases.ts";
import type { EngineAnswer } from "./outcome.ts";

/** What the process of the baseline is sent; it answers with an {@link EngineAnswer}. */
export interface BaselineTask {
  readonly model: Uint8Array;
  readonly dataSets: readonly (readonly Tensor[])[];
  readonly outputNames: readonly string[];
}

export interface Baseline {
  run(testCase: TestCase): Promise<EngineAnswer>;
  dispose(): void;
}

/** Ends a hang; no case takes a second. */
const PATIENCE_MS = 120_000;

/**
 * Plain ONNX Runtime Web with a session for each case. Its JavaScript is one instance for the whole
 * process, so after a crash the next case gets a new process.
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
      const answer = await ask(child, { model, dataSets: inputs, outputNames });
      if ("reason" in answer && answer.reason === "crashed") stop();
      return answer;
    },
    dispose() {
      process.off("exit", stop);
      stop();
    },
  };
}

function ask(child: ChildProcess, task: BaselineTask): Promise<EngineAnswer> {
  return new Promise((resolve) => {
    let printed = "";
    const settle = (answer: EngineAnswer): void => {
      clearTimeout(timer);
      child.removeAllListeners("message").removeAllListeners("close");
      child.stderr?.removeAllListeners("data");
      child.stderr?.resume();
      resolve(answer);
    };
    const timer = setTimeout(
      () => settle({ reason: "crashed", detail: `no answer in ${PATIENCE_MS} ms` }),
      PATIENCE_MS,
    );
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
    });
    child.once("message", (answer) => settle(answer as EngineAnswer));
    child.once("close", (code) =>
      settle({ reason: "crashed", detail: `the process ended with code ${code}: ${printed}` }),
    );
    child.send(task);
  });
}

import vm from "node:vm";

/**
 * Does to work in Node what the platform does to a request that exceeds its CPU time: V8 terminates its JavaScript, also in
 * the middle of wasm, and neither `catch` nor `finally` runs.
 * @param work that takes longer than `afterMs`
 */
export function cutOff(work: () => void, afterMs = 100): void {
  const context = vm.createContext({ work });
  try {
    vm.runInContext("work()", context, { timeout: afterMs });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return;
    throw error;
  }
  throw new Error(`the work ended within ${afterMs} ms`);
}

/**
 * The same for what follows from `work` by promises alone, without timers and input or output.
 * @returns when the rest of the event loop goes on
 */
export function cutOffPromises(work: () => void, afterMs?: number): Promise<void> {
  // Node runs the callbacks of promises when no JavaScript runs, or when it is told to.
  const { _tickCallback: runMicrotasks } = process as unknown as { _tickCallback(): void };
  const all = (): void => {
    work();
    runMicrotasks();
  };
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(cutOff(all, afterMs));
      } catch (error) {
        reject(error);
      }
    });
  });
}

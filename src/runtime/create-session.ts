import type { OrtInstance } from "./ort-instance.ts";

const LOG_LEVEL_FATAL = 4;
const GRAPH_OPTIMIZATION_ALL = 99;
const GRAPH_OPTIMIZATION_NONE = 0;
const EXECUTION_SEQUENTIAL = 0;

export interface SessionOptions {
  readonly format: "onnx" | "ort";
  /** Whether weights are repacked at load time for faster runs, at the price of memory. */
  readonly prepack: boolean;
}

/**
 * Creates an ONNX Runtime session from the model at `address`. The bytes of an ORT file must stay
 * allocated as long as the session lives; those of an ONNX file may be freed afterwards.
 * @returns the session's pointer
 * @throws OrtError when the engine refuses the model
 */
export function createSession(
  instance: OrtInstance,
  address: number,
  sizeBytes: number,
  { format, prepack }: SessionOptions,
): number {
  const { module } = instance;
  const options = module._OrtCreateSessionOptions(
    // An ORT file was optimized when it was made.
    format === "ort" ? GRAPH_OPTIMIZATION_NONE : GRAPH_OPTIMIZATION_ALL,
    // No arena: 32-bit builds have none, with or without the option (measured: no difference at all).
    false,
    // No memory patterns: runs are not faster for them (16 models), but the session keeps a plan for
    // each shape it ever saw (26 KB in a transformer: 48 MB of heap became 57 MB after 370 shapes), and
    // without prepacking a second copy of the weights (24 MB of int8: 70 MB of heap instead of 40 MB).
    false,
    EXECUTION_SEQUENTIAL,
    false,
    0,
    0,
    LOG_LEVEL_FATAL,
    0,
    0,
  );
  if (options === 0) throw instance.lastError("session options could not be created");
  try {
    if (!prepack) addConfigEntry(instance, options, "session.disable_prepacking", "1");
    if (format === "ort") {
      // Both are safe only while the bytes stay allocated: with the bytes freed, the second gives
      // wrong outputs without an error. The session pins them.
      addConfigEntry(instance, options, "session.use_ort_model_bytes_directly", "1");
      addConfigEntry(instance, options, "session.use_ort_model_bytes_for_initializers", "1");
    }
    const handle = module._OrtCreateSession(address, sizeBytes, options);
    if (handle === 0) throw instance.lastError("the model was refused");
    return handle;
  } finally {
    module._OrtReleaseSessionOptions(options);
  }
}

function addConfigEntry(instance: OrtInstance, options: number, key: string, value: string): void {
  const { module } = instance;
  const keyPointer = instance.allocateString(key);
  const valuePointer = instance.allocateString(value);
  const status = module._OrtAddSessionConfigEntry(options, keyPointer, valuePointer);
  module._free(keyPointer);
  module._free(valuePointer);
  instance.check(status, `session option ${key} was refused`);
}

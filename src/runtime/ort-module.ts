import factory from "onnxruntime-web/ort-wasm-simd-threaded.mjs";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm";

/**
 * The emscripten module inside onnxruntime-web, as far as this program calls it. The package does
 * not document it: how its own `dist/ort.wasm.mjs` calls these functions is the reference for the
 * order of arguments. The exact version is pinned, and `test/runtime/ort-module.test.ts` fails when
 * an entry point is missing.
 *
 * Pointers and handles are numbers (wasm32); 0 is null. Functions that return a status return 0 for
 * success, and `_OrtGetLastError` says more about any other.
 */
export interface OrtModule {
  _OrtInit(numThreads: number, loggingLevel: number): number;
  /** Writes the error code (i32) and a pointer to the message. */
  _OrtGetLastError(codeOut: number, messageOut: number): number;
  _OrtCreateSessionOptions(
    graphOptimizationLevel: number,
    enableCpuMemArena: boolean,
    enableMemPattern: boolean,
    executionMode: number,
    enableProfiling: boolean,
    profileFilePrefix: number,
    logId: number,
    logSeverityLevel: number,
    logVerbosityLevel: number,
    optimizedModelFilePath: number,
  ): number;
  _OrtAddSessionConfigEntry(options: number, key: number, value: number): number;
  _OrtReleaseSessionOptions(options: number): number;
  _OrtCreateSession(data: number, dataLength: number, options: number): number;
  _OrtReleaseSession(session: number): number;
  _OrtGetInputOutputCount(session: number, inputsOut: number, outputsOut: number): number;
  /** Inputs come first, outputs after them. */
  _OrtGetInputOutputMetadata(
    session: number,
    index: number,
    nameOut: number,
    metadataOut: number,
  ): number;
  _OrtCreateTensor(
    elementType: number,
    data: number,
    dataLength: number,
    dims: number,
    dimsLength: number,
    dataLocation: number,
  ): number;
  /** Writes the element type, a pointer to the data, a pointer to the dims, and their count. */
  _OrtGetTensorData(
    tensor: number,
    elementTypeOut: number,
    dataOut: number,
    dimsOut: number,
    dimsLengthOut: number,
  ): number;
  _OrtReleaseTensor(tensor: number): number;
  /** A non-zero entry of `outputs` is an OrtValue to write to; the others are allocated. */
  _OrtRun(
    session: number,
    inputNames: number,
    inputs: number,
    inputCount: number,
    outputNames: number,
    outputCount: number,
    outputs: number,
    runOptions: number,
  ): number;
  _OrtFree(pointer: number): number;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  stackSave(): number;
  stackRestore(pointer: number): void;
  stackAlloc(bytes: number): number;
  UTF8ToString(pointer: number, maxBytes?: number): string;
  /** Writes at most `maxBytes` bytes, the final NUL included. */
  stringToUTF8(text: string, pointer: number, maxBytes: number): number;
  lengthBytesUTF8(text: string): number;
}

/** The entry points that {@link OrtModule} declares, for the check at start. */
export const ORT_ENTRY_POINTS = [
  "_OrtInit",
  "_OrtGetLastError",
  "_OrtCreateSessionOptions",
  "_OrtAddSessionConfigEntry",
  "_OrtReleaseSessionOptions",
  "_OrtCreateSession",
  "_OrtReleaseSession",
  "_OrtGetInputOutputCount",
  "_OrtGetInputOutputMetadata",
  "_OrtCreateTensor",
  "_OrtGetTensorData",
  "_OrtReleaseTensor",
  "_OrtRun",
  "_OrtFree",
  "_malloc",
  "_free",
  "stackSave",
  "stackRestore",
  "stackAlloc",
  "UTF8ToString",
  "stringToUTF8",
  "lengthBytesUTF8",
] as const satisfies readonly (keyof OrtModule)[];

/** A new instance of the module with a memory of its own: 16 MB, of which a third is resident; and the table by which it calls its functions. */
export async function instantiateOrtModule(): Promise<{
  module: OrtModule;
  memory: WebAssembly.Memory;
  table: WebAssembly.Table;
}> {
  let memory: WebAssembly.Memory | undefined;
  let table: WebAssembly.Table | undefined;
  const module = await factory({
    numThreads: 1,
    // workerd compiles no wasm from bytes at request time; this one was compiled at upload.
    instantiateWasm(imports, done) {
      memory = Object.values(imports)
        .flatMap((namespace) => Object.values(namespace))
        .find((value) => value instanceof WebAssembly.Memory);
      const instance = new WebAssembly.Instance(wasm, imports);
      table = Object.values(instance.exports).find((value) => value instanceof WebAssembly.Table);
      done(instance, wasm);
      return instance.exports;
    },
  });
  const missing = ORT_ENTRY_POINTS.filter((name) => typeof module[name] !== "function");
  if (missing.length > 0 || !memory || !table)
    throw new Error(
      `onnxruntime-web's wasm module has changed: ${missing.join(", ") || "its memory or its function table"} is missing. This build needs the version pinned in package.json.`,
    );
  return { module, memory, table };
}

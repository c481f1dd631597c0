import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import snapshot from "./engine-snapshot.bin";
import quantizedMatmul from "./kernels/quantized-matmul.wasm";

/** The modules of the engine that are not JavaScript, by the names under which the code of a model's isolate imports them. */
export const ENGINE_FILES = {
  "ort-wasm-simd-threaded.wasm": { wasm },
  "engine-snapshot.bin": { data: snapshot },
  "quantized-matmul.wasm": { wasm: quantizedMatmul },
} as const;

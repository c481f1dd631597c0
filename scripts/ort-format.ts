/// <reference path="../src/runtime/onnxruntime-web.d.ts" />
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import factory from "onnxruntime-web/ort-wasm-simd-threaded.mjs";
import type { OrtModule } from "../src/runtime/ort-module.ts";

/** ONNX Runtime's graph optimization levels. */
export const OPTIMIZATION_LEVELS = { disabled: 0, basic: 1, extended: 2, all: 99 } as const;

export type OptimizationLevel = keyof typeof OPTIMIZATION_LEVELS;

const TARGET = "/model.ort";
/** Odd and large, so that it equals no function index and no address. */
const TARGET_DESCRIPTOR = 0x7f_ff_ff_f7;
const CURRENT_FOLDER = -100;
const LOG_LEVEL_ERROR = 3;
const IDENTIFIER = "ORTM";
const POINTER_BYTES = 4;
/** An iovec of fd_write: address and length. */
const BLOCK_BYTES = 2 * POINTER_BYTES;

/** Whether a file is a model in ORT format: a flatbuffer with this identifier. */
export function isOrtFormat(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(4, 8)).toString("latin1") === IDENTIFIER;
}

/**
 * Converts an ONNX model to ORT format with the engine that will run it: the wasm of onnxruntime-web
 * optimizes the graph for its own kernels and saves the result. The native packages optimize for
 * the layouts and kernels of the machine they run on, and their output is not deterministic.
 * @param model the ONNX file, weights included
 * @returns the ORT file, deterministic for a model, level and version of onnxruntime-web
 * @throws Error with the engine's message when it refuses the model
 */
export async function toOrtFormat(
  model: Uint8Array,
  level: OptimizationLevel,
): Promise<Uint8Array<ArrayBuffer>> {
  const { module, memory, written } = await instantiate();
  const textPointer = (text: string): number => {
    const sizeBytes = module.lengthBytesUTF8(text) + 1;
    const address = module._malloc(sizeBytes);
    module.stringToUTF8(text, address, sizeBytes);
    return address;
  };
  const check = (status: number, what: string): void => {
    if (status !== 0) throw new Error(`${what}: ${lastError(module, memory)}`);
  };
  // Nothing is freed: the instance is dropped as a whole.
  check(module._OrtInit(1, LOG_LEVEL_ERROR), "ONNX Runtime did not start");
  const options = module._OrtCreateSessionOptions(
    OPTIMIZATION_LEVELS[level],
    true,
    true,
    0,
    false,
    0,
    0,
    LOG_LEVEL_ERROR,
    0,
    textPointer(TARGET),
  );
  const key = textPointer("session.save_model_format");
  const value = textPointer("ORT");
  check(
    module._OrtAddSessionConfigEntry(options, key, value),
    "ONNX Runtime refused the option session.save_model_format",
  );
  const address = module._malloc(model.byteLength);
  if (address === 0) throw new Error(`out of memory for a model of ${model.byteLength} bytes`);
  new Uint8Array(memory.buffer).set(model, address);
  if (module._OrtCreateSession(address, model.byteLength, options) === 0)
    throw new Error(lastError(module, memory));
  const bytes = Buffer.concat(written);
  if (!isOrtFormat(bytes))
    throw new Error("the engine wrote no ORT file; has onnxruntime-web's wasm module changed?");
  return new Uint8Array(bytes);
}

/**
 * Instantiates the engine with intercepted imports. The engine is built without a file system: opening a file
 * has no effect. Here opening the target file returns a descriptor, and the bytes written to it are collected.
 * The imports have minified names, so they are identified by their arguments: openat has the path, fd_write the
 * descriptor and a list of iovecs.
 */
async function instantiate(): Promise<{
  module: OrtModule;
  memory: WebAssembly.Memory;
  written: Uint8Array[];
}> {
  const written: Uint8Array[] = [];
  let memory: WebAssembly.Memory | undefined;
  let module: OrtModule | undefined;

  function write(blocks: number, count: number, sizeOut: number): number {
    if (!memory) throw new Error("the engine writes before its memory exists");
    const view = new DataView(memory.buffer);
    let sizeBytes = 0;
    for (let block = blocks; block < blocks + count * BLOCK_BYTES; block += BLOCK_BYTES) {
      const start = view.getUint32(block, true);
      const length = view.getUint32(block + POINTER_BYTES, true);
      written.push(new Uint8Array(memory.buffer).slice(start, start + length));
      sizeBytes += length;
    }
    view.setUint32(sizeOut, sizeBytes, true);
    return 0;
  }

  function intercept(call: (...args: unknown[]) => unknown) {
    return (...args: unknown[]): unknown => {
      const [first, second, third, fourth] = args;
      if (first === CURRENT_FOLDER && module?.UTF8ToString(Number(second)) === TARGET)
        return TARGET_DESCRIPTOR;
      if (first !== TARGET_DESCRIPTOR) return call(...args);
      if (args.some((arg) => typeof arg === "bigint"))
        throw new Error("seeking in the output file is not implemented");
      return args.length === 4 ? write(Number(second), Number(third), Number(fourth)) : 0;
    };
  }

  const file = fileURLToPath(import.meta.resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm"));
  const wasm = compile(readFileSync(file));
  const created = await factory({
    numThreads: 1,
    instantiateWasm(imports, done) {
      const intercepted: WebAssembly.Imports = {};
      for (const [namespace, values] of Object.entries(imports)) {
        const entries = Object.entries(values).map(([name, value]) => {
          if (value instanceof WebAssembly.Memory) memory = value;
          return [name, typeof value === "function" ? intercept(value as never) : value];
        });
        intercepted[namespace] = Object.fromEntries(entries);
      }
      const instance = new WebAssembly.Instance(wasm, intercepted);
      done(instance, wasm);
      return instance.exports;
    },
  });
  if (!memory) throw new Error("onnxruntime-web's wasm module has changed: it imports no memory");
  module = created;
  return { module: created, memory, written };
}

/** Compiles from bytes; the types of Workers declare no constructor for that, since Workers cannot do it. */
function compile(bytes: Uint8Array): WebAssembly.Module {
  const { Module } = WebAssembly as unknown as {
    Module: new (bytes: Uint8Array) => WebAssembly.Module;
  };
  return new Module(bytes);
}

function lastError(module: OrtModule, memory: WebAssembly.Memory): string {
  const address = module._malloc(2 * POINTER_BYTES);
  module._OrtGetLastError(address, address + POINTER_BYTES);
  const message = new DataView(memory.buffer).getUint32(address + POINTER_BYTES, true);
  return message === 0 ? "no error message" : module.UTF8ToString(message);
}

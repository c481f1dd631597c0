import type { OrtInstance } from "../ort-instance.ts";
import wasm from "./quantized-matmul.wasm";
import {
  computeProduct,
  OPERATION_PARAMETERS,
  type QuantizedOperation,
  type QuantizedProduct,
} from "./quantized-product.ts";

/** What `quantized-matmul.c` exports. */
interface Exports {
  readonly operation: QuantizedOperation;
  stateBytes(): number;
  start(state: number, meaning: number): void;
  probe(bytesOfA: number, bytesOfB: number): number;
  addRange(from: number, to: number): number;
  removeRange(from: number, to: number): void;
  unpackedBytes(from: number, to: number): number;
  packRange(from: number, to: number, block: number): void;
  unpackRange(from: number, to: number): void;
}

/** The place of `MlasGemmQuantOperation` in the function table of the pinned build of the engine. */
export const OPERATION_INDEX = 1403;
/** How many functions that table has, which tells the build from others. */
const TABLE_LENGTH = 22_267;
/** What the relaxed dot product means on this machine; any other meaning is of no use. */
const MEANINGS: readonly number[] = [0, 1];
/** Four bytes that are negative when read as signed ones, and four of which their products together exceed 16 bits. */
const PROBE_A = -1;
const PROBE_B = 0x7f_7f_7f_7f;
const VECTOR_BYTES = 16;

/** The weights in the bytes of a model's file in ORT format, which do not change while its session lives. */
export interface PackableWeights {
  /** What packing those would take that runs have used and that are not packed. */
  readonly unpackedBytes: number;
  /** @throws OrtError when the memory cannot be allocated */
  pack(): void;
  unpack(): void;
  /** To be called when the session has ended. */
  release(): void;
}

/**
 * Products of 8-bit matrices by a function of this project in the place of the engine's. The results are the same to the last bit;
 * `quantized-matmul.c` says what is faster and why.
 */
export class QuantizedMatmul {
  readonly #instance: OrtInstance;
  readonly #exports: Exports;

  private constructor(instance: OrtInstance, exports: Exports) {
    this.#instance = instance;
    this.#exports = exports;
  }

  /**
   * Replaces the function of an engine.
   * @returns `undefined`, without a change, where the machine's dot product is of no use, and where the engine is another build:
   *   its table is another one, or its function computes something else
   */
  static install(instance: OrtInstance): QuantizedMatmul | undefined {
    const { table } = instance;
    const original = table.length === TABLE_LENGTH ? table.get(OPERATION_INDEX) : undefined;
    if (!isOperation(original)) return undefined;
    const exports = new WebAssembly.Instance(wasm, {
      env: { memory: instance.memory },
      engine: { operation: original },
    }).exports as unknown as Exports;
    const meaning = exports.probe(PROBE_A, PROBE_B);
    if (!MEANINGS.includes(meaning)) return undefined;
    const state = instance.allocate(exports.stateBytes() + VECTOR_BYTES);
    exports.start(align(state), meaning);
    if (!computesTheSame(instance, original, exports.operation)) {
      instance.module._free(state);
      return undefined;
    }
    table.set(OPERATION_INDEX, exports.operation);
    return new QuantizedMatmul(instance, exports);
  }

  /**
   * The weights between two addresses, which stay where they are, unchanged, until their release.
   * @returns `undefined` where the engine has too many models: its products pack these weights at each run
   */
  weights(from: number, to: number): PackableWeights | undefined {
    const instance = this.#instance;
    const exports = this.#exports;
    if (exports.addRange(from, to) === 0) return undefined;
    let block = 0;
    const free = () => {
      instance.module._free(block);
      block = 0;
    };
    return {
      get unpackedBytes() {
        return block === 0 ? exports.unpackedBytes(from, to) : 0;
      },
      pack() {
        block = instance.allocate(exports.unpackedBytes(from, to) + VECTOR_BYTES);
        exports.packRange(from, to, align(block));
      },
      unpack() {
        exports.unpackRange(from, to);
        free();
      },
      release() {
        exports.removeRange(from, to);
        free();
      },
    };
  }
}

function align(address: number): number {
  return Math.ceil(address / VECTOR_BYTES) * VECTOR_BYTES;
}

function isOperation(value: unknown): value is QuantizedOperation {
  return typeof value === "function" && value.length === OPERATION_PARAMETERS;
}

/** Whether two functions give the same product, of a size of which no part is a whole panel or tile. */
function computesTheSame(
  instance: OrtInstance,
  first: QuantizedOperation,
  second: QuantizedOperation,
): boolean {
  const [rows, columns, depth] = [7, 11, 19];
  const product: QuantizedProduct = {
    rows,
    columns,
    depth,
    a: Uint8Array.from({ length: rows * depth }, (_, index) => index * 151 + 250),
    b: Uint8Array.from({ length: depth * columns }, (_, index) => index * 89 + 127),
    zeroA: 131,
    zeroB: Uint8Array.of(3),
    aIsSigned: false,
    bIsSigned: true,
  };
  const expected = computeProduct(instance, first, product);
  const actual = computeProduct(instance, second, product);
  return expected.every((value, index) => value === actual[index]);
}

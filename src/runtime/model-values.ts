import { fromOnnxElementType } from "../domain/datatype.ts";
import type { Dimension, TensorSpec } from "../domain/tensor.ts";
import { OrtError, type OrtInstance, POINTER_BYTES } from "./ort-instance.ts";
import { readCString } from "./string-tensor.ts";

/** An input or output of a model. */
export interface ModelValue {
  readonly spec: TensorSpec;
  /** The name as a C string, to be freed with `_OrtFree`. */
  readonly namePointer: number;
}

/** A model's inputs and outputs by name, in the model's order. */
export interface ModelValues {
  readonly inputs: Map<string, ModelValue>;
  readonly outputs: Map<string, ModelValue>;
}

/**
 * Reads a session's inputs and outputs into `values`, which owns their names also when this throws.
 * @throws OrtError when one of them is not a tensor of a datatype that the protocol has
 */
export function readModelValues(instance: OrtInstance, session: number, values: ModelValues): void {
  const [inputCount, outputCount] = readCounts(instance, session);
  for (let index = 0; index < inputCount + outputCount; index++) {
    const isInput = index < inputCount;
    const { name, namePointer, elementType, shape } = readMetadata(instance, session, index);
    const datatype = fromOnnxElementType(elementType);
    const spec = { name, datatype: datatype ?? "BYTES", shape };
    (isInput ? values.inputs : values.outputs).set(name, { spec, namePointer });
    if (!datatype)
      throw new OrtError(
        `${isInput ? "input" : "output"} "${name}" is ${elementType === 0 ? "not a tensor (but a sequence, a map or an optional)" : `of ONNX element type ${elementType}`}, and only tensors of the protocol's datatypes can be served`,
      );
  }
}

function readCounts(
  instance: OrtInstance,
  session: number,
): readonly [inputs: number, outputs: number] {
  return instance.withStack((allocate) => {
    const address = allocate(2 * POINTER_BYTES);
    const status = instance.module._OrtGetInputOutputCount(
      session,
      address,
      address + POINTER_BYTES,
    );
    instance.check(status, "the model's inputs could not be counted");
    return [instance.readPointer(address), instance.readPointer(address + POINTER_BYTES)];
  });
}

function readMetadata(
  instance: OrtInstance,
  session: number,
  index: number,
): { name: string; namePointer: number; elementType: number; shape: Dimension[] } {
  const { module } = instance;
  return instance.withStack((allocate) => {
    const address = allocate(2 * POINTER_BYTES);
    const status = module._OrtGetInputOutputMetadata(
      session,
      index,
      address,
      address + POINTER_BYTES,
    );
    instance.check(status, "the model's inputs and outputs could not be read");
    const namePointer = instance.readPointer(address);
    const metadata = instance.readPointer(address + POINTER_BYTES);
    try {
      const name = readCString(instance, namePointer, `the name of input or output ${index}`);
      if (metadata === 0) return { name, namePointer, elementType: 0, shape: [] };
      // Layout: element type, rank, then `rank` pointers to symbolic names, then `rank` sizes.
      const elementType = instance.view.getInt32(metadata, true);
      const rank = elementType === 0 ? 0 : instance.view.getUint32(metadata + 4, true);
      const shape = Array.from({ length: rank }, (_, axis): Dimension => {
        const symbol = instance.readPointer(metadata + 8 + axis * POINTER_BYTES);
        if (symbol !== 0) return readCString(instance, symbol, `a dimension of "${name}"`);
        return instance.view.getInt32(metadata + 8 + (rank + axis) * POINTER_BYTES, true);
      });
      return { name, namePointer, elementType, shape };
    } catch (error) {
      module._OrtFree(namePointer);
      throw error;
    } finally {
      if (metadata !== 0) module._OrtFree(metadata);
    }
  });
}

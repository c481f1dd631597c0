import { DATATYPES, NUMERIC_DATATYPES } from "../../../domain/datatype.ts";
import { elementCount, type Tensor } from "../../../domain/tensor.ts";
import { MAX_REPLY_BYTES } from "../wire/clone-limits.ts";
import { fromWireTensors, type WireTensors } from "../wire/wire-tensors.ts";

/**
 * The outputs of a run that the isolate of a model sends.
 * @param names of the outputs, in the order in which they were requested
 * @throws RangeError, TypeError for tensors that are not those, and for data that does not match its shape
 */
export async function parseOutputs(
  wire: unknown,
  names: readonly string[],
): Promise<readonly Tensor[]> {
  const tensors = await fromWireTensors(wire as WireTensors, MAX_REPLY_BYTES);
  if (!Array.isArray(tensors) || tensors.length !== names.length)
    throw new RangeError(`there are not ${names.length} outputs`);
  return names.map((name, index) => checkTensor(tensors[index], name));
}

function checkTensor(tensor: Tensor, name: string): Tensor {
  const { datatype, shape, data } = tensor;
  if (tensor.name !== name) throw new RangeError(`output ${name} is missing, or another one`);
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    throw new RangeError(`output ${name} has no shape`);
  const elements = elementCount(shape);
  const isWhole =
    datatype === "BYTES"
      ? Array.isArray(data) &&
        data.length === elements &&
        data.every((text) => typeof text === "string")
      : DATATYPES.includes(datatype) &&
        data instanceof Uint8Array &&
        data.byteLength === elements * NUMERIC_DATATYPES[datatype].elementBytes;
  if (isWhole) return tensor;
  throw new RangeError(`output ${name} has data that does not match its shape and datatype`);
}

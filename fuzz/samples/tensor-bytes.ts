import { type Datatype, NUMERIC_DATATYPES } from "../../src/domain/datatype.ts";
import { toBytes } from "../../src/domain/tensor.ts";
import type { SampleTensor } from "./samples.ts";

interface ReadableTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/** A tensor in the binary form of the Open Inference Protocol: little-endian, strings after their lengths. */
export function toSampleTensor({ name, datatype, shape, data }: ReadableTensor): SampleTensor {
  return { name, datatype, shape, bytes: toTensorBytes(datatype as Datatype, data) };
}

export function toTensorBytes(datatype: Datatype, data: readonly unknown[]): Uint8Array {
  if (datatype === "BYTES")
    return Buffer.concat(
      data.flatMap((text) => {
        const bytes = Buffer.from(String(text));
        const length = Buffer.alloc(4);
        length.writeUInt32LE(bytes.length);
        return [length, bytes];
      }),
    );
  const { array, kind } = NUMERIC_DATATYPES[datatype];
  const values = new array(data.length);
  for (const [index, value] of data.entries())
    values[index] = (kind === "bigint" ? BigInt(value as number) : Number(value)) as never;
  return toBytes(values);
}

/** A tensor in the JSON form of the Open Inference Protocol. */
export interface JsonTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface InferRequest {
  readonly id: string;
  readonly inputs: readonly JsonTensor[];
}

export interface InferResponse {
  readonly model_name: string;
  readonly model_version: string;
  readonly id: string;
  readonly outputs: readonly JsonTensor[];
}

/** @throws Error that names the first difference, when a value differs by more than `tolerance` */
export function assertSameTensors(
  subject: string,
  actual: readonly JsonTensor[] | undefined,
  expected: readonly JsonTensor[],
  tolerance: (name: string, value: number) => number,
): void {
  const wrong = (difference: string): Error =>
    new Error(`${subject} returned a wrong result: ${difference}`);
  const describe = (tensors: readonly JsonTensor[] | undefined): string =>
    JSON.stringify(tensors?.map(({ name, datatype, shape }) => ({ name, datatype, shape })));
  if (!actual || describe(actual) !== describe(expected))
    throw wrong(`${describe(actual)} instead of ${describe(expected)}`);
  for (const [index, tensor] of expected.entries()) {
    const { name, data } = tensor;
    const found = actual[index]?.data ?? [];
    if (found.length !== data.length)
      throw wrong(`${name} has ${found.length} values instead of ${data.length}`);
    for (const [i, value] of data.entries())
      if (!(Math.abs(Number(found[i]) - value) <= tolerance(name, value)))
        throw wrong(`${name}[${i}] is ${found[i]} instead of ${value}`);
  }
}

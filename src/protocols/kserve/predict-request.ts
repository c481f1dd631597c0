import { ApiError } from "../../domain/errors.ts";
import { describeSpecs, MAX_RANK, unknownInput } from "../../domain/shape.ts";
import type { Tensor, TensorSpec } from "../../domain/tensor.ts";
import { describe, fromJsonData, nestedShape } from "../../domain/tensor-json.ts";
import { decodeBase64Texts, isBase64Value } from "./base64-text.ts";
import type { PredictBody } from "./predict-schema.ts";

type Values = Readonly<Record<string, unknown>>;

/**
 * The tensors of a request. Shapes are those of the nested values; in the row format the instances are dimension 0.
 * @throws ApiError that names the input or the instance, what was expected and what was received
 */
export function toTensors(body: PredictBody, specs: readonly TensorSpec[]): Tensor[] {
  const columns =
    body.format === "row" ? toColumns(body.instances, specs) : toInputs(body.inputs, specs);
  return [...columns].flatMap(([name, value]) => {
    const spec = specs.find((candidate) => candidate.name === name);
    if (!spec) throw unknownInput(specs, name);
    return spec.optional && isAbsent(value, body.format) ? [] : [toTensor(spec, value)];
  });
}

/** `null`, in the row format of each instance, is as good as absent. */
function isAbsent(value: unknown, format: PredictBody["format"]): boolean {
  if (format !== "row") return value === null;
  return Array.isArray(value) && value.every((each) => each === null);
}

function toInputs(inputs: unknown, specs: readonly TensorSpec[]): Iterable<[string, unknown]> {
  if (isNamed(inputs, specs)) return Object.entries(inputs);
  return [[onlyInput(specs, "inputs").name, inputs]];
}

/** The values of each input, one for each instance. */
function toColumns(
  instances: readonly unknown[],
  specs: readonly TensorSpec[],
): Iterable<[string, unknown]> {
  const [first] = instances;
  if (!isNamed(first, specs)) {
    const mixed = instances.findIndex((instance) => isNamed(instance, specs));
    if (mixed > 0) throw differs(mixed, "a value", instances[mixed]);
    return [[onlyInput(specs, "each of instances").name, instances]];
  }
  const names = Object.keys(first);
  const columns = new Map<string, unknown[]>(names.map((name) => [name, []]));
  for (const [index, instance] of instances.entries()) {
    if (!isNamed(instance, specs)) throw differs(index, "an object", instance);
    if (Object.keys(instance).length !== names.length)
      throw differs(index, `an object of ${names.length} inputs`, instance);
    for (const [name, column] of columns) {
      if (!Object.hasOwn(instance, name))
        throw new ApiError(
          "invalid_input",
          `instances[${index}] has no input "${name}", which instances[0] has.`,
        );
      column.push(instance[name]);
    }
  }
  return columns;
}

/** Whether a value is an object of values by the inputs' names, and not the bytes of a text. */
function isNamed(value: unknown, specs: readonly TensorSpec[]): value is Values {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return !isBase64Value(value) || specs.some(({ name }) => name === "b64");
}

/** The input whose values need no name: the only one, or the only one that is required. */
function onlyInput(specs: readonly TensorSpec[], what: string): TensorSpec {
  const required = specs.filter(({ optional }) => !optional);
  const candidates = required.length > 0 ? required : specs;
  const [spec] = candidates;
  if (spec && candidates.length === 1) return spec;
  throw new ApiError(
    "invalid_input",
    `${what} must be an object of values by name: the model takes ${describeSpecs(specs)}.`,
    { details: { expected: specs.map(({ name }) => name) } },
  );
}

function differs(index: number, expected: string, actual: unknown): ApiError {
  return new ApiError(
    "invalid_input",
    `instances[${index}] must be ${expected}, as instances[0] is; got ${describe(actual)}.`,
  );
}

function toTensor({ name, datatype }: TensorSpec, value: unknown): Tensor {
  const data = datatype === "BYTES" ? decodeBase64Texts(name, value) : value;
  const shape = nestedShape(data, MAX_RANK);
  if (!shape)
    throw new ApiError(
      "invalid_shape",
      `Input "${name}": its values are nested deeper than ${MAX_RANK} dimensions.`,
    );
  return fromJsonData(name, datatype, shape, Array.isArray(data) ? data : [data]);
}

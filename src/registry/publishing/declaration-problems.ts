import { fixedSize } from "../../domain/blocks/tensor-checks.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { describeSpecs } from "../../domain/shape.ts";
import { formatShape, type TensorSpec } from "../../domain/tensor.ts";
import type { ManifestProblem } from "./manifest-problems.ts";
import type { TakenModel } from "./take-model.ts";

/** What is declared of a model; the rest is read of it. */
type Declared = {
  readonly [F in "format" | "inputs" | "outputs"]?: Manifest[F] | undefined;
};

/**
 * What a manifest declares of a model, and the model contradicts.
 * @param prefix of the fields: empty for the main model, `models.encoder.` for another one
 */
export function* declarationProblems(
  declared: Declared,
  { model, inputs, outputs, adaptation }: TakenModel,
  prefix: string,
): Generator<ManifestProblem> {
  if (declared.format !== undefined && declared.format !== model.format)
    yield contradiction(`${prefix}format`, `the file is in ${model.format.toUpperCase()} format`, {
      expected: model.format,
      actual: declared.format,
    });
  const optional = adaptation?.optionalInputs ?? [];
  if (declared.inputs) yield* sideProblems(`${prefix}inputs`, declared.inputs, inputs, optional);
  if (declared.outputs) yield* sideProblems(`${prefix}outputs`, declared.outputs, outputs, []);
}

function* sideProblems(
  field: string,
  declared: readonly TensorSpec[],
  required: readonly TensorSpec[],
  optional: readonly TensorSpec[],
): Generator<ManifestProblem> {
  const found = [...required, ...optional];
  const what = field.endsWith("inputs") ? "inputs" : "outputs";
  for (const [index, spec] of declared.entries()) {
    const actual = found.find(({ name }) => name === spec.name);
    if (actual) yield* specProblems(`${field}[${index}]`, spec, actual, optional.includes(actual));
    else
      yield contradiction(
        `${field}[${index}].name`,
        `the model has no ${what.slice(0, -1)} ${JSON.stringify(spec.name)}: its ${what} are ${describeSpecs(found)}`,
        { expected: found.map(({ name }) => name), actual: spec.name },
      );
  }
  const names = new Set(declared.map(({ name }) => name));
  const left = required.filter(({ name }) => !names.has(name));
  if (left.length > 0)
    yield contradiction(field, `the model also has the ${what} ${describeSpecs(left)}`, {
      expected: required.map(({ name }) => name),
      actual: [...names],
    });
}

function* specProblems(
  field: string,
  declared: TensorSpec,
  actual: TensorSpec,
  isOptional: boolean,
): Generator<ManifestProblem> {
  if (declared.optional && !isOptional)
    yield contradiction(`${field}.optional`, "the model has no default for it", {
      expected: false,
      actual: true,
    });
  if (declared.datatype !== actual.datatype)
    yield contradiction(`${field}.datatype`, `the model has ${actual.datatype}`, {
      expected: actual.datatype,
      actual: declared.datatype,
    });
  if (isSameShape(declared.shape, actual.shape)) return;
  yield contradiction(`${field}.shape`, `the model has ${formatShape(actual.shape)}`, {
    expected: actual.shape,
    actual: declared.shape,
  });
}

/** A size that the model leaves open may be declared; one that it fixes may not be left open, and names do not matter. */
function isSameShape(declared: TensorSpec["shape"], actual: TensorSpec["shape"]): boolean {
  return (
    declared.length === actual.length &&
    declared.every((size, axis) => {
      const fixed = fixedSize(actual[axis]);
      return fixed === undefined || fixed === fixedSize(size);
    })
  );
}

function contradiction(
  field: string,
  fact: string,
  { expected, actual }: { expected: unknown; actual: unknown },
): ManifestProblem {
  return { field, message: `is ${show(actual)}, but ${fact}`, expected, actual };
}

const MAX_SHOWN = 200;

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 3)}...` : text;
}

import * as z from "zod";
import { NUMERIC_DATATYPES } from "../../datatype.ts";
import type { TensorSpec } from "../../tensor.ts";
import type { PreprocessDefinition, Problem } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import { canHold, describeValues, findSpec, tensorProblems } from "../tensor-checks.ts";
import { tabularBlock } from "./tabular.ts";

const column = z.strictObject({
  name: z.string().min(1).describe("The column's name in requests."),
  input: z
    .string()
    .optional()
    .describe(
      "The model's input, of shape [batch, 1] or [batch]; its name is the column's when left out. Columns of the same input, of shape [batch, n], stand in it in their order here.",
    ),
  categories: z
    .array(z.string().min(1))
    .min(1)
    .refine((names) => new Set(names).size === names.length, "two categories are the same")
    .optional()
    .describe(
      "The names that it may have. An input of BYTES gets the name itself, one of numbers its position, from 0.",
    ),
  missing: z
    .union([z.number(), z.string()])
    .optional()
    .describe(
      'What a missing value becomes: a number or "nan", for BYTES a text; a column without it requires a value.',
    ),
});

const schema = z.strictObject({
  type: z.literal("columns"),
  version,
  columns: z
    .array(column)
    .min(1)
    .refine(
      (columns) => new Set(columns.map(({ name }) => name)).size === columns.length,
      "two columns have the same name",
    )
    .describe("The columns of a row, in the order that arrays have them."),
});

export type ColumnsBlock = z.output<typeof schema>;
export type TableColumn = ColumnsBlock["columns"][number];

/** The model's input that a column is part of. */
export function inputOf({ name, input = name }: TableColumn): string {
  return input;
}

/** The names of the model's inputs that columns are read into, each once, in the order of the columns. */
export function columnInputs({ columns }: Pick<ColumnsBlock, "columns">): string[] {
  return [...new Set(columns.map(inputOf))];
}

/** Rows of a table as one tensor a column, as skl2onnx converts pipelines of data frames. */
export const columnsBlock = {
  type: "columns",
  schema,
  mediaTypes: tabularBlock.mediaTypes,
  inputs: tabularBlock.inputs,
  parameters: tabularBlock.parameters,
  references: (block) => ({ inputs: columnInputs(block) }),
  *problems(block, { inputs }) {
    for (const name of columnInputs(block)) {
      const spec = findSpec(inputs, name);
      if (spec) yield* inputProblems(block, spec);
    }
  },
} satisfies PreprocessDefinition<typeof schema>;

function* inputProblems({ columns }: ColumnsBlock, spec: TensorSpec): Generator<Problem> {
  const indices = [...columns.keys()].filter(
    (at) => columns[at] && inputOf(columns[at]) === spec.name,
  );
  const first = ["preprocess", "columns", indices[0] ?? 0, "input"];
  const shapes = indices.length === 1 ? [["batch", 1], ["batch"]] : [["batch", indices.length]];
  yield* tensorProblems(first, spec, { datatypes: [spec.datatype], shapes });
  for (const at of indices) {
    const path = ["preprocess", "columns", at];
    const { missing, categories } = columns[at] as TableColumn;
    if (missing !== undefined) yield* missingProblems([...path, "missing"], missing, spec);
    if (spec.datatype === "BYTES" || !categories) continue;
    const { max } = NUMERIC_DATATYPES[spec.datatype];
    if (categories.length - 1 > max)
      yield {
        path: [...path, "categories"],
        message: `has ${categories.length} names, but the largest value of ${JSON.stringify(spec.name)} is ${max} (${spec.datatype})`,
      };
  }
}

/** A value that the input's datatype cannot hold, which would silently become another. */
function* missingProblems(
  path: Problem["path"],
  missing: number | string,
  { name, datatype }: TensorSpec,
): Generator<Problem> {
  const input = JSON.stringify(name);
  if (datatype === "BYTES") {
    if (typeof missing !== "string")
      yield { path, message: `must be a text, as ${input} is BYTES` };
    return;
  }
  const isFloat = NUMERIC_DATATYPES[datatype].kind === "float";
  const fits =
    typeof missing === "number" ? canHold(datatype, missing) : missing === "nan" && isFloat;
  if (!fits)
    yield {
      path,
      message: `must be ${describeValues(datatype)}${isFloat ? ' or "nan"' : ""}, as ${input} is ${datatype}`,
    };
}

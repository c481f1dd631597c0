import * as z from "zod";
import { NUMERIC_DATATYPES } from "../../datatype.ts";
import type { TensorSpec } from "../../tensor.ts";
import type { PreprocessDefinition, Problem } from "../block-definition.ts";
import { blockVersion as version } from "../block-fields.ts";
import {
  canHold,
  describeValues,
  findSpec,
  fixedSize,
  NUMERIC,
  tensorProblems,
} from "../tensor-checks.ts";

const schema = z.strictObject({
  type: z.literal("tabular"),
  version,
  input: z.string().describe("The model's input, of shape [batch, columns]."),
  columns: z
    .array(z.string().min(1))
    .min(1)
    .refine((names) => new Set(names).size === names.length, "two columns have the same name")
    .describe("Column names, in the input's order."),
  categories: z
    .record(
      z.string(),
      z
        .array(z.string().min(1))
        .min(1)
        .refine((names) => new Set(names).size === names.length, "two categories are the same"),
    )
    .default({})
    .describe("By column, the names that it may have: each becomes its position, from 0."),
  missing: z
    .record(z.string(), z.union([z.number(), z.literal("nan")]))
    .default({})
    .describe(
      "By column, the number that a missing value becomes (null, an empty string, NaN, infinity and texts such as NA, or no value at all); a column that is not listed requires a value.",
    ),
});

/** The delimiters of CSV. */
export const DELIMITERS = [",", ";", "\t", "|"] as const;

export type TabularBlock = z.output<typeof schema>;

/** Rows of a table as one numeric tensor. */
export const tabularBlock = {
  type: "tabular",
  schema,
  mediaTypes: ["text/csv"],
  inputs:
    "a row (an array in the order of the columns, or an object by column name), a list of rows, or an object with a list of values by column name, also under `data`",
  parameters: z.strictObject({
    header: z.boolean().default(true).describe("whether the first line of CSV names the columns"),
    delimiter: z.enum(DELIMITERS).default(",").describe("between the cells of CSV"),
  }),
  references: ({ input }) => ({ inputs: [input] }),
  *problems(block, { inputs }) {
    for (const rule of ["categories", "missing"] as const)
      for (const name of Object.keys(block[rule]))
        if (!block.columns.includes(name))
          yield { path: ["preprocess", rule, name], message: "not one of preprocess.columns" };
    const spec = findSpec(inputs, block.input);
    if (!spec) return;
    const shape = { datatypes: NUMERIC, shapes: [["batch", "columns"]] };
    yield* tensorProblems(["preprocess", "input"], spec, shape);
    const columns = spec.shape.length === 2 ? fixedSize(spec.shape[1]) : undefined;
    if (columns !== undefined && columns !== block.columns.length)
      yield {
        path: ["preprocess", "columns"],
        message: `must have length ${columns}, one name for each column of the input; it has ${block.columns.length}`,
      };
    yield* valueProblems(block, spec);
  },
} satisfies PreprocessDefinition<typeof schema>;

/** Values that the input's datatype cannot hold, which would silently become others. */
function* valueProblems(block: TabularBlock, { datatype }: TensorSpec): Generator<Problem> {
  if (datatype === "BYTES") return;
  const { kind, max } = NUMERIC_DATATYPES[datatype];
  for (const [name, value] of Object.entries(block.missing))
    if (value === "nan" ? kind !== "float" : !canHold(datatype, value))
      yield {
        path: ["preprocess", "missing", name],
        message: `must be ${describeValues(datatype)}, as the input is ${datatype}`,
      };
  for (const [name, { length }] of Object.entries(block.categories))
    if (length - 1 > max)
      yield {
        path: ["preprocess", "categories", name],
        message: `has ${length} names, but the largest value of the input is ${max} (${datatype})`,
      };
}

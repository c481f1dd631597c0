import type { TabularBlock } from "../../domain/blocks/preprocess/tabular.ts";
import type { NumericDatatype } from "../../domain/datatype.ts";
import type { TensorSpec } from "../../domain/tensor.ts";
import { createColumn } from "./column.ts";
import { createTablePreprocessor, type TablePreprocessor } from "./table-preprocessor.ts";

/**
 * Rows of a table as one matrix of numbers. Names of categories become their indices, missing values the numbers of the
 * block.
 */
export function createTabularPreprocessor(
  spec: TensorSpec,
  { columns, categories, missing }: Omit<TabularBlock, "type" | "version" | "input">,
): TablePreprocessor {
  const datatype = toNumericDatatype(spec);
  return createTablePreprocessor(
    [spec],
    columns.map((name) => {
      const rule = { name, categories: categories[name], missing: toNumber(missing[name]) };
      return {
        column: createColumn(rule, datatype),
        input: 0,
        isOptional: missing[name] !== undefined,
      };
    }),
  );
}

function toNumericDatatype({ datatype }: TensorSpec): NumericDatatype {
  if (datatype === "BYTES") throw new Error("a table is of numbers, not of BYTES");
  return datatype;
}

function toNumber(value: number | "nan" | undefined): number | undefined {
  return value === "nan" ? Number.NaN : value;
}

import {
  type ColumnsBlock,
  columnInputs,
  inputOf,
} from "../../domain/blocks/preprocess/columns.ts";
import type { TensorSpec } from "../../domain/tensor.ts";
import { type AnyColumn, createColumn } from "./column.ts";
import { createTablePreprocessor, type TablePreprocessor } from "./table-preprocessor.ts";
import { createTextColumn } from "./text-column.ts";

/**
 * Rows of a table as one tensor a column, or as several matrices of numbers or texts. Rows are read as those of the block
 * `tabular` are.
 * @param specOf of the model's inputs, by their names
 */
export function createColumnsPreprocessor(
  specOf: (input: string) => TensorSpec,
  block: Pick<ColumnsBlock, "columns">,
): TablePreprocessor {
  const inputs = columnInputs(block);
  const columns = block.columns.map((rule) => {
    const input = inputOf(rule);
    return { column: toColumn(rule, specOf(input)), input: inputs.indexOf(input), rule };
  });
  return createTablePreprocessor(
    inputs.map(specOf),
    columns.map(({ column, input, rule }) => ({
      column,
      input,
      isOptional: rule.missing !== undefined,
    })),
  );
}

function toColumn(
  { name, categories, missing }: ColumnsBlock["columns"][number],
  { datatype }: TensorSpec,
): AnyColumn {
  if (datatype === "BYTES")
    return createTextColumn({
      name,
      categories,
      missing: missing === undefined ? undefined : String(missing),
    });
  return createColumn(
    { name, categories, missing: missing === undefined ? undefined : Number(missing) },
    datatype,
  );
}

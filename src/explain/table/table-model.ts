import type { TypedArray } from "../../domain/datatype.ts";
import { outputMismatch } from "../../tasks/output-errors.ts";
import type { ExplainedVersion } from "../explained-version.ts";
import type { OutputRows } from "./output-rows.ts";
import type { TableOutputs } from "./table-outputs.ts";
import type { TableReader } from "./table-reader.ts";

/** A version as a function of rows. */
export interface TableModel {
  readonly rowsPerRun: number;
  /** @throws ApiError of the run */
  predict(values: Float64Array, rows: number): Promise<OutputRows>;
  /**
   * Predicts rows that are made one by one.
   * @param fill writes the row of an index into the numbers of a run, at an offset
   * @param take gets the outputs of a row, at an offset
   */
  predictEach(
    rows: number,
    columns: number,
    fill: (row: number, into: TypedArray, at: number) => void,
    take: (row: number, values: Float64Array, at: number, width: number) => void,
  ): Promise<void>;
}

export function createTableModel(
  version: ExplainedVersion,
  reader: TableReader,
  outputs: TableOutputs,
): TableModel {
  const { rowsPerRun, isFixedBatch } = reader;

  async function predictEach(
    rows: number,
    columns: number,
    fill: (row: number, into: TypedArray, at: number) => void,
    take: (row: number, values: Float64Array, at: number, width: number) => void,
  ): Promise<void> {
    for (let first = 0; first < rows; first += rowsPerRun) {
      const count = Math.min(rowsPerRun, rows - first);
      // A model of a fixed batch takes no fewer rows.
      const size = isFixedBatch ? rowsPerRun : count;
      const typed = reader.toTyped(new Float64Array(size * columns));
      for (let index = 0; index < count; index++) fill(first + index, typed, index * columns);
      const [result] = await version.infer([reader.toTensor(typed, size)], [outputs.name], count);
      const { values, width } = outputs.read(result);
      if (values.length !== size * width)
        throw outputMismatch(result, `a batch of ${size}, as its inputs have`);
      for (let index = 0; index < count; index++) take(first + index, values, index * width, width);
    }
  }

  return {
    rowsPerRun,
    predictEach,
    async predict(values, rows) {
      const columns = values.length / rows;
      const typed = reader.toTyped(values);
      let all: OutputRows = { width: 0, values: new Float64Array() };
      await predictEach(
        rows,
        columns,
        (row, into, at) =>
          into.set(typed.subarray(row * columns, (row + 1) * columns) as never, at),
        (row, found, at, width) => {
          if (row === 0) all = { width, values: new Float64Array(rows * width) };
          all.values.set(found.subarray(at, at + width), row * width);
        },
      );
      return all;
    },
  };
}

import type { TypedArray } from "../../domain/datatype.ts";
import { outputMismatch } from "../../tasks/output-errors.ts";
import type { ExplainedVersion } from "../explained-version.ts";
import { OutputMemory, type OutputRows } from "./output-rows.ts";
import type { TableOutputs } from "./table-outputs.ts";
import type { TableReader } from "./table-reader.ts";

/** Rows that are made run by run, so that they are never all in memory. */
export interface RowSource {
  readonly rows: number;
  readonly columns: number;
  /** Writes all numbers of rows into those of a run, from its beginning: they are those of the run before. */
  fill(into: TypedArray, first: number, count: number): void;
  /** Gets their outputs, whose memory the next run has. */
  take(outputs: OutputRows, first: number, count: number): void;
}

/** A version as a function of rows. */
export interface TableModel {
  readonly rowsPerRun: number;
  /** @throws ApiError of the run */
  predict(values: Float64Array, rows: number): Promise<OutputRows>;
  /** @throws ApiError of the run */
  predictFrom(source: RowSource): Promise<void>;
}

export function createTableModel(
  version: ExplainedVersion,
  reader: TableReader,
  outputs: TableOutputs,
): TableModel {
  const { rowsPerRun, isFixedBatch } = reader;
  const names = [outputs.name];

  async function predictFrom({ rows, columns, fill, take }: RowSource): Promise<void> {
    // One run at a time: all of them share the memory of their rows and of their outputs.
    const most = isFixedBatch ? rowsPerRun : Math.min(rowsPerRun, rows);
    let typed = reader.createTyped(most * columns);
    let inputs = [reader.toTensor(typed, most)];
    const outputMemory = new OutputMemory();
    for (let first = 0; first < rows; first += rowsPerRun) {
      const count = Math.min(rowsPerRun, rows - first);
      // A model of a fixed batch takes no fewer rows.
      const size = isFixedBatch ? rowsPerRun : count;
      if (size * columns !== typed.length) {
        typed = typed.subarray(0, size * columns);
        inputs = [reader.toTensor(typed, size)];
      }
      fill(typed, first, count);
      const [result] = await version.infer(inputs, names, count);
      const found = outputs.read(result, outputMemory);
      if (found.values.length !== size * found.width)
        throw outputMismatch(result, `a batch of ${size}, as its inputs have`);
      take(found, first, count);
    }
  }

  return {
    rowsPerRun,
    predictFrom,
    async predict(values, rows) {
      const columns = values.length / rows;
      const typed = reader.toTyped(values);
      let all: OutputRows = { width: 0, values: new Float64Array() };
      await predictFrom({
        rows,
        columns,
        fill(into, first, count) {
          into.set(typed.subarray(first * columns, (first + count) * columns) as never);
        },
        take(found, first, count) {
          const { width } = found;
          if (first === 0) all = { width, values: new Float64Array(rows * width) };
          all.values.set(found.values.subarray(0, count * width), first * width);
        },
      });
      return all;
    },
  };
}

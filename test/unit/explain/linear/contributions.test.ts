import { describe, expect, test } from "vitest";
import { exactEstimator } from "../../../../src/explain/estimators/exact.ts";
import { readExplainableGraph } from "../../../../src/explain/graph/read-explainable-graph.ts";
import {
  constantScores,
  contributionsOf,
  type LinearGraph,
  meanOf,
  scoresOf,
} from "../../../../src/explain/linear/contributions.ts";
import { createLinearGame, differingColumns } from "../../../../src/explain/linear/linear-game.ts";
import { estimatorOptions } from "../../../support/games.ts";
import { linearVersion, readLinearFixture } from "../../../support/graph-fixtures.ts";

/** Expected values are those of shap and of ONNX Runtime: test/fixtures/explanations/linear. */

/** Digits after the point: shap computes with the coefficients in double precision, the models have them in FP32. */
const DIGITS = 5;
/** Values of hundreds. */
const FEWER_DIGITS = 3;

async function read(name: string) {
  const fixture = readLinearFixture(name);
  const graph = (await readExplainableGraph(await linearVersion(name, fixture))) as LinearGraph;
  const contributions = (rows: readonly (readonly (number | null)[])[]) =>
    contributionsOf(
      graph,
      {
        rows: rows.length,
        columns: graph.columns.columns,
        values: Float64Array.from(rows.flat(), (value) => Math.fround(value ?? Number.NaN)),
      },
      async () => undefined,
    );
  return {
    graph,
    fixture,
    constants: constantScores(graph),
    rows: await contributions(fixture.rows),
    background: await contributions(fixture.background),
  };
}

describe("what columns add to the scores", () => {
  // Of a scaler and a regression; of imputed, scaled and one-hot columns; of a matrix with softmax.
  test.each(["ridge", "gemm", "mixed", "matmul-softmax"])(
    "%s: less what they add in the background on average, are shap's values",
    async (name) => {
      const { graph, fixture, rows, background } = await read(name);
      const { targets, links } = graph.head;
      const mean = meanOf(background);
      const found = (fixture.spaces.margin ?? fixture.spaces.output)?.values ?? [];
      expect(found.length).toBe(rows.length);
      for (const [index, values] of found.entries())
        for (const [column, ofOutputs] of values.entries())
          for (const [output, value] of ofOutputs.entries()) {
            const { target = 0, sign = 1 } = links.outputs[output] ?? {};
            const place = column * targets + target;
            const added = (rows[index]?.[place] ?? Number.NaN) - (mean[place] ?? Number.NaN);
            expect(sign * added).toBeCloseTo(value, name === "ridge" ? FEWER_DIGITS : DIGITS);
          }
    },
  );

  test.each(["ridge", "gemm", "svr"])(
    "%s: with constants and intercepts, add up to what ONNX Runtime returns",
    async (name) => {
      const { fixture, constants, rows } = await read(name);
      for (const [index, row] of rows.entries())
        for (const [output, expected] of (fixture.outputs[index] ?? []).entries())
          expect((scoresOf(constants, row)[output] ?? Number.NaN) / expected).toBeCloseTo(
            1,
            DIGITS,
          );
    },
  );
});

describe("the game of a linear model's probabilities", () => {
  test.each(["mixed", "logistic", "multinomial", "one-vs-rest"])(
    "%s has shap's base value without players, ONNX Runtime's output with all, and shap's values between",
    async (name) => {
      const { graph, fixture, constants, rows, background } = await read(name);
      const found = fixture.spaces.probability;
      if (!found) throw new Error(`${name} has no probabilities`);
      const { targets, links } = graph.head;
      const outputs = found.base.map((_, output) => output);
      for (const [index, row] of rows.entries()) {
        const columns = differingColumns(row, background, targets);
        const game = createLinearGame({ constants, row, background, links, outputs, columns });
        const { values, base, full } = await exactEstimator.estimate(
          game,
          estimatorOptions(2 ** columns.length),
        );
        expect([...base]).toEqual(found.base.map((value) => expect.closeTo(value, DIGITS)));
        const returned = fixture.outputs[index] ?? [];
        expect([...full].slice(-returned.length)).toEqual(
          returned.map((value) => expect.closeTo(value, DIGITS)),
        );
        for (const [player, column] of columns.entries())
          for (const output of outputs)
            expect(values[player * outputs.length + output]).toBeCloseTo(
              found.values[index]?.[column]?.[output] ?? Number.NaN,
              DIGITS,
            );
      }
    },
  );
});

test("only columns that add something else than in the background are players", () => {
  const row = Float64Array.from([1, 2, 3, 4, 5, 6]);
  const same = row.slice();
  const other = Float64Array.from([1, 2, 3, 9, 5, 6]);
  expect(differingColumns(row, [same], 2)).toEqual([]);
  expect(differingColumns(row, [same, other], 2)).toEqual([1]);
  expect(differingColumns(row, [other], 1)).toEqual([3]);
});

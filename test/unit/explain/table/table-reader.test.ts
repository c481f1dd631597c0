import { describe, expect, test } from "vitest";
import type { ExplanationSpace } from "../../../../src/domain/explanation/explanation.ts";
import { Media } from "../../../../src/domain/media.ts";
import { drawRows, readBackground } from "../../../../src/explain/table/background.ts";
import { createTableModel } from "../../../../src/explain/table/table-model.ts";
import { createTableOutputs } from "../../../../src/explain/table/table-outputs.ts";
import { createTableReader, isTable } from "../../../../src/explain/table/table-reader.ts";
import {
  explainedVersion,
  explanationRequest,
  floatTensor,
  rowsOf,
} from "../../../support/explained-version.ts";
import { findModel } from "../../../support/publish.ts";

const penguins = findModel("penguins-gradient-boosting");
const ROW = {
  island: "Dream",
  bill_length_mm: 51.3,
  bill_depth_mm: 19.9,
  flipper_length_mm: 198,
  body_mass_g: null,
  sex: "male",
};

describe("rows of a table", () => {
  test("become numbers, and keep the values that the request had", async () => {
    const reader = await createTableReader(await explainedVersion(penguins));
    const table = await reader.read(ROW);
    expect(table).toMatchObject({ rows: 1, columns: 6, form: "one" });
    expect(table.featureNames).toEqual(Object.keys(ROW));
    expect([...table.values]).toEqual([
      1,
      Math.fround(51.3),
      Math.fround(19.9),
      198,
      Number.NaN,
      1,
    ]);
    expect(table.data).toEqual([["Dream", 51.3, 19.9, 198, null, "male"]]);
  });

  test("may be of CSV, of columns or of arrays", async () => {
    const reader = await createTableReader(await explainedVersion(penguins));
    const csv = `${Object.keys(ROW).join(",")}\nDream,51.3,19.9,198,NA,male\n`;
    const media = new Media("text/csv", new TextEncoder().encode(csv));
    const columns = Object.fromEntries(Object.entries(ROW).map(([name, value]) => [name, [value]]));
    for (const inputs of [media, columns, [Object.values(ROW)]]) {
      const { data, form } = await reader.read(inputs);
      expect(data).toEqual([["Dream", 51.3, 19.9, 198, null, "male"]]);
      expect(form).toBe("list");
    }
  });

  test("of an array are named by their indices", async () => {
    const reader = await createTableReader(await explainedVersion(findModel("digits-cnn")));
    const table = await reader.read(
      Array.from({ length: 8 }, (_, y) => Array.from({ length: 8 }, (_, x) => y + x)),
    );
    expect(table.columns).toBe(64);
    expect(table.featureNames[10]).toBe("1,2");
    expect(table.data[0]?.[10]).toBe(3);
    expect(reader.toTensor(reader.toTyped(table.values), 1).shape).toEqual([1, 1, 8, 8]);
  });

  test("are those of a model without a task that takes [batch, n]", async () => {
    const {
      preprocess: _p,
      postprocess: _q,
      task: _t,
      ...rest
    } = findModel("iris-logistic").manifest;
    const model = { ...findModel("iris-logistic"), manifest: rest };
    expect(isTable(rest)).toBe(true);
    const version = await explainedVersion(model);
    const reader = await createTableReader(version);
    const { values, featureNames } = await reader.read([
      [5.1, 3.5, 1.4, 0.2],
      [6, 3, 4, 1],
    ]);
    expect(featureNames).toEqual(["0", "1", "2", "3"]);
    const outputs = createTableOutputs(rest, undefined);
    const { width } = await createTableModel(version, reader, outputs).predict(values, 2);
    expect(outputs.names(width)).toEqual(["0", "1", "2"]);
    expect(outputs).toMatchObject({ name: "probabilities", space: "output" });
  });

  test("of a text are none", async () => {
    const version = await explainedVersion(penguins);
    const { manifest } = findModel("spam-detection");
    expect(isTable(manifest)).toBe(false);
    await expect(
      createTableReader({ ...version, model: { ...version.model, manifest } }),
    ).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining("tabular and array"),
    });
  });
});

describe("background rows", () => {
  const rows = Array.from({ length: 30 }, (_, index) => ({ ...ROW, body_mass_g: 3000 + index }));

  test("are drawn by the seed, in their order", () => {
    const drawn = drawRows(rows, 10, 1);
    expect(drawn).toEqual(drawRows(rows, 10, 1));
    expect(drawn).not.toEqual(drawRows(rows, 10, 2));
    expect(new Set(drawn).size).toBe(10);
    const masses = drawn.map(({ body_mass_g }) => body_mass_g);
    expect(masses).toEqual([...masses].sort((a, b) => a - b));
    expect(drawRows(rows, 30, 1)).toBe(rows);
  });

  test("are those of the request, or those kept with the version", async () => {
    const version = await explainedVersion(penguins, { background: rows });
    const reader = await createTableReader(version);
    const kept = await readBackground(reader, explanationRequest(version, ROW, {}));
    expect(kept.rows).toBe(30);
    const sent = explanationRequest(version, ROW, {}, { background: [ROW, ROW] });
    expect((await readBackground(reader, sent)).rows).toBe(2);
  });

  test("are asked for where there are none, and named where they are wrong", async () => {
    const version = await explainedVersion(penguins);
    const reader = await createTableReader(version);
    const request = explanationRequest(version, ROW, {});
    await expect(readBackground(reader, request)).rejects.toMatchObject({
      code: "background_missing",
    });
    const wrong = { ...request, background: [ROW, { ...ROW, island: "Mull" }] };
    await expect(readBackground(reader, wrong)).rejects.toMatchObject({
      code: "invalid_input",
      message: expect.stringContaining('parameters.background: background[1], column "island"'),
    });
  });
});

describe("outputs of classifiers", () => {
  const iris = findModel("iris-logistic");
  const scores = [0.2, 0.3, 0.5];

  async function read(activation: "none" | "softmax" | "sigmoid", space: ExplanationSpace) {
    const manifest = {
      ...iris.manifest,
      postprocess: { type: "classification", version: 1, scores: "probabilities", activation },
    } as const;
    const { values } = createTableOutputs(manifest, space).read(
      floatTensor("probabilities", [1, 3], scores),
    );
    return [...values];
  }

  test("are probabilities, log-odds, or what the model returns", async () => {
    const odds = (p: number) => Math.log(p / (1 - p));
    const sum = Math.exp(0.2) + Math.exp(0.3) + Math.exp(0.5);
    expect(await read("none", "probability")).toEqual(
      scores.map((score) => expect.closeTo(score, 6)),
    );
    expect(await read("none", "log_odds")).toEqual(
      scores.map((score) => expect.closeTo(odds(score), 6)),
    );
    expect(await read("softmax", "probability")).toEqual(
      scores.map((score) => expect.closeTo(Math.exp(score) / sum, 6)),
    );
    expect(await read("softmax", "log_odds")).toEqual(
      scores.map((score) => expect.closeTo(odds(Math.exp(score) / sum), 6)),
    );
    expect(await read("softmax", "margin")).toEqual(
      scores.map((score) => expect.closeTo(score, 6)),
    );
    expect(await read("sigmoid", "margin")).toEqual(
      scores.map((score) => expect.closeTo(score, 6)),
    );
    expect(await read("softmax", "output")).toEqual(
      scores.map((score) => expect.closeTo(score, 6)),
    );
  });

  test("have finite log-odds where the model is certain", () => {
    const { values } = createTableOutputs(iris.manifest, "log_odds").read(
      floatTensor("p", [1, 3], [1, 0, 0]),
    );
    expect([...values]).toEqual([
      expect.closeTo(16.1, 1),
      expect.closeTo(-16.1, 1),
      expect.closeTo(-16.1, 1),
    ]);
  });

  test("of more than two labels have no margin where the model returns probabilities", () => {
    expect(() => createTableOutputs(iris.manifest, "margin")).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        message: expect.stringContaining("send probability or log_odds or output"),
      }),
    );
  });

  test("of other models have no probabilities", () => {
    expect(() => createTableOutputs(findModel("diabetes-linear").manifest, "probability")).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        message: expect.stringContaining("send output"),
      }),
    );
  });
});

test("a model of a fixed batch gets whole batches, whose other rows do not count", async () => {
  const { manifest, ...rest } = findModel("diabetes-linear");
  const inputs = manifest.inputs.map((input) => ({ ...input, shape: [4, 10] }));
  const shapes: number[][] = [];
  const version = await explainedVersion(
    { ...rest, manifest: { ...manifest, inputs } },
    {
      compute: (tensors) => {
        shapes.push([...(tensors[0]?.shape ?? [])]);
        const sums = rowsOf(tensors).map((row) => row.reduce((sum, value) => sum + value, 0));
        return [floatTensor("prediction", [4, 1], sums)];
      },
    },
  );
  const reader = await createTableReader(version);
  const model = createTableModel(version, reader, createTableOutputs(manifest, undefined));
  const { values } = await model.predict(
    Float64Array.from({ length: 60 }, (_, at) => Math.floor(at / 10)),
    6,
  );
  expect([...values]).toEqual([0, 10, 20, 30, 40, 50]);
  expect(shapes).toEqual([
    [4, 10],
    [4, 10],
  ]);
  expect(version.rows).toBe(6);
});

import { readFileSync } from "node:fs";
import { InferenceClient } from "@huggingface/inference";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { findModel } from "../support/publish.ts";
import { type Service, startService, type TestResponse } from "../support/service.ts";
import { storeFile } from "../support/stored-model.ts";
import { expectClose } from "../support/tensors.ts";

/** Tables with names and missing values through the task API, compared with scikit-learn. */

type Row = Readonly<Record<string, string | number | null>>;
interface Scored {
  readonly label: string;
  readonly score: number;
}

const FOLDER = projectPath("test", "fixtures", "tables");
const CSV = readFileSync(`${FOLDER}/penguins.csv`, "utf8");
const { labels, rows, scores }: { labels: string[]; rows: Row[]; scores: number[][] } = JSON.parse(
  readFileSync(`${FOLDER}/penguins.json`, "utf8"),
);
const PATH = "/models/penguins-gradient-boosting";
const TOLERANCE = 1e-6;

let service: Service;

beforeAll(async () => {
  service = await startService({
    models: [
      "penguins-gradient-boosting",
      "iris-logistic",
      "iris-kmeans",
      "diabetes-linear",
      "wine-decision-tree",
    ],
  });
});

afterAll(() => service?.dispose());

function sendCsv(text: string, query = "", path = PATH): Promise<TestResponse> {
  const headers = { "content-type": "text/csv; charset=utf-8" };
  return service.request(`${path}${query}`, { method: "POST", body: text, headers });
}

function expectScores(prediction: unknown, expected: readonly number[] | undefined): void {
  const found = new Map((prediction as Scored[]).map(({ label, score }) => [label, score]));
  expectClose(
    labels.map((label) => found.get(label) ?? Number.NaN),
    expected ?? [],
    TOLERANCE,
  );
}

function expectAll({ status, body }: TestResponse): void {
  expect(status).toBe(200);
  expect(body).toHaveLength(rows.length);
  for (const [index, one] of (body as unknown[]).entries()) expectScores(one, scores[index]);
}

test("the table has names and missing values", () => {
  expect(rows.filter((row) => Object.values(row).includes(null)).length).toBeGreaterThan(2);
  expect(new Set(rows.map(({ island }) => island)).size).toBe(3);
});

test("rows by name have the predictions of scikit-learn, in one run", async () => {
  const response = await service.post(PATH, { inputs: rows });
  expectAll(response);
  const { phasesMs, coldStart } = await service.event(response.headers.get("x-request-id") ?? "");
  expect({ phasesMs, coldStart }).toMatchObject({
    coldStart: true,
    phasesMs: { infer: expect.any(Number) },
  });
});

test("rows in the order of the columns, and a single row, have the predictions of scikit-learn", async () => {
  expectAll(await service.post(PATH, { inputs: rows.map((row) => Object.values(row)) }));
  for (const index of [0, rows.length - 1]) {
    const { body } = await service.post(PATH, { inputs: rows[index] });
    expectScores(body, scores[index]);
  }
});

test.each<[string, (value: unknown) => unknown]>([
  ["empty texts", (value) => value ?? ""],
  ["nothing", (value) => value ?? undefined],
])("missing values as %s have the predictions of scikit-learn", async (_, write) => {
  const inputs = rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, write(value)])),
  );
  expectAll(await service.post(PATH, { inputs }));
});

test("a CSV body in the format of the data set has the predictions of scikit-learn", async () => {
  expect(CSV).toContain("NA");
  expectAll(await sendCsv(CSV));
});

test("CSV may have its columns in another order, semicolons, and no header", async () => {
  const table = CSV.trim()
    .split("\n")
    .map((line) => line.split(","));
  const reversed = table.map((cells) => cells.toReversed().join(","));
  expectAll(await sendCsv(reversed.join("\r\n")));
  const quoted = table.map((cells) => cells.map((cell) => `"${cell}"`).join(" ; "));
  expectAll(await sendCsv(`\ufeff${quoted.join("\n")}`, `?delimiter=${encodeURIComponent(";")}`));
  const body = CSV.slice(CSV.indexOf("\n") + 1);
  expectAll(await sendCsv(body, "?header=false"));
});

test("a form may have a CSV file and a parameter", async () => {
  const form = new FormData();
  form.append("inputs", new File([CSV], "penguins.csv", { type: "text/csv" }));
  form.append("parameters", '{"top_k": 1}');
  const { status, body } = await service.request(PATH, { method: "POST", body: form });
  expect(status).toBe(200);
  const best = (body as Scored[][]).map((prediction) => prediction.map(({ label }) => label));
  const expected = scores.map((row) => [labels[row.indexOf(Math.max(...row))]]);
  expect(best).toEqual(expected);
});

test("CSV of one row has a list of one prediction, for each task", async () => {
  const flower = "5.1,3.5,1.4,0.2";
  const classes = await sendCsv(flower, "?header=false&top_k=1", "/models/iris-logistic");
  expect(classes.body).toMatchObject([[{ label: "setosa" }]]);
  const clusters = await sendCsv(flower, "?header=false", "/models/iris-kmeans");
  expect(clusters.body).toHaveLength(1);
  expect((clusters.body as Scored[][])[0]).toHaveLength(3);
  const columns = "bmi,age,sex,bp,s1,s2,s3,s4,s5,s6\n0.1,0,0,0,0,0,0,0,0,0\n";
  const regression = await sendCsv(columns, "", "/models/diabetes-linear");
  const row = await service.post("/models/diabetes-linear", {
    inputs: [0, 0, 0.1, 0, 0, 0, 0, 0, 0, 0],
  });
  expect(regression.status).toBe(200);
  expect(regression.body).toEqual(row.body);
});

describe("tables by columns", () => {
  const names = Object.keys(rows[0] ?? {});
  const data = Object.fromEntries(
    names.map((name) => [name, rows.map((row) => row[name] ?? null)]),
  );

  test("tables by columns have the predictions of scikit-learn", async () => {
    expectAll(await service.post(PATH, { inputs: { data } }));
    expectAll(await service.post(PATH, { inputs: data }));
  });

  test("Hugging Face's client sends tables of texts", async () => {
    const texts = Object.fromEntries(
      names.map((name) => [name, rows.map((row) => String(row[name] ?? "NaN"))]),
    );
    expectAll(await service.post(PATH, { inputs: { data: texts } }));
    const [row, other] = [0.1, -0.2].map((bmi) => ["0", "0", String(bmi), ..."0000000"]);
    const columns = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"];
    const endpointUrl = `${service.origin}/models/diabetes-linear`;
    const table = Object.fromEntries(
      columns.map((name, index) => [name, [row?.[index] ?? "", other?.[index] ?? ""]]),
    );
    const predictions = await new InferenceClient("hf_any").tabularRegression({
      endpointUrl,
      inputs: { data: table },
    });
    const { body } = await service.post("/models/diabetes-linear", {
      inputs: [row, other].map((texts) => texts?.map(Number)),
    });
    expect(predictions).toHaveLength(2);
    expect(predictions).toEqual(body);
  });

  test("a table by columns of unequal lengths is refused", async () => {
    const inputs = { data: { ...data, sex: ["male"] } };
    expect(await service.post(PATH, { inputs })).toMatchObject({
      status: 400,
      body: { code: "invalid_shape", detail: expect.stringContaining('column "sex" has 1.') },
    });
  });
});

describe("missing values in a model without rules for them", () => {
  const wine = "/models/wine-decision-tree";
  const features = findModel("wine-decision-tree").manifest.example?.inputs as number[];

  test.each(["nan", "NA", "NaN", "Infinity", "-inf", "1e999", "#N/A", "None", "null", ""])(
    "%j is refused with row and column, in JSON and in CSV",
    async (spelling) => {
      const detail = /^(?:inputs\[1\]|row 2), column "alcohol" must be a number; got /;
      const refused = { status: 400, body: { detail: expect.stringMatching(detail) } };
      const [, ...others] = features;
      const csv = `${features.join(",")}\n${[spelling, ...others].join(",")}`;
      expect(await sendCsv(csv, "?header=false", wine)).toMatchObject(refused);
      const inputs = [features, [spelling, ...others]];
      expect(await service.post(wine, { inputs })).toMatchObject(refused);
    },
  );

  test("null, and a number beyond all doubles, are refused", async () => {
    const [, ...others] = features;
    for (const value of ["null", "1e999", "-1e999"]) {
      const body = `{"inputs": [[${[value, ...others].join(",")}]]}`;
      const response = await service.request(wine, { method: "POST", body });
      expect(response).toMatchObject({ status: 400, body: { code: "invalid_input" } });
    }
  });
});

describe("regression with several values for each row", () => {
  const folder = projectPath("test", "fixtures", "regression");
  const { rows: inputs, models } = JSON.parse(readFileSync(`${folder}/expected.json`, "utf8")) as {
    rows: number[][];
    models: Record<string, { shape: (string | number)[]; output: number[][][] }>;
  };
  /** Without the dimensions of 1. */
  const squeeze = (value: unknown): unknown => {
    if (!Array.isArray(value)) return value;
    return value.length === 1 ? squeeze(value[0]) : value.map(squeeze);
  };

  /** Any numbers, nested as these. */
  const like = (value: unknown): unknown =>
    Array.isArray(value) ? value.map(like) : expect.any(Number);

  test.each(Object.keys(models))(
    "the predictions of the model %s are those of Python's onnxruntime, row by row",
    async (name) => {
      const { shape = [], output = [] } = models[name] ?? {};
      const bytes = readFileSync(`${folder}/${name}.onnx`);
      await storeFile(service.bucket, name, bytes, {
        inputs: [{ name: "x", datatype: "FP32", shape: ["batch", 3] }],
        outputs: [{ name: "y", datatype: "FP32", shape }],
        task: "tabular-regression",
        preprocess: {
          ...{ type: "tabular", version: 1, input: "x", columns: ["a", "b", "c"] },
          ...{ categories: {}, missing: {} },
        },
        postprocess: { type: "regression", version: 1, output: "y" },
      });
      const { status, body } = await service.post(`/models/${name}`, { inputs });
      expect(status).toBe(200);
      const expected = output.map(squeeze);
      expect(body).toHaveLength(inputs.length);
      for (const [index, prediction] of (body as unknown[]).entries())
        expectClose([prediction].flat(3) as number[], [expected[index]].flat(3) as number[], 1e-5);
      expect(body).toEqual(expected.map(like));
      const one = await service.post(`/models/${name}`, { inputs: inputs[1] });
      expect(one.body).toEqual([(body as unknown[])[1]]);
    },
  );
});

describe("invalid tables", () => {
  const [header = "", first = ""] = CSV.split("\n");
  const good = { island: "Dream", bill_length_mm: 40 };

  test.each<[inputs: unknown, code: string, message: string]>([
    [
      { ...good, island: "Tasmania" },
      "invalid_input",
      'inputs, column "island" must be one of Biscoe, Dream, Torgersen; got "Tasmania"',
    ],
    [
      [good, { ...good, island: null }],
      "invalid_input",
      'inputs[1], column "island" must be one of',
    ],
    [[good, { bill_length_mm: 1 }], "invalid_input", "inputs[1] must have the columns"],
    [
      [good, { ...good, sex: "?" }],
      "invalid_input",
      'inputs[1], column "sex" must be one of female, male',
    ],
    [
      [good, { ...good, bill_length_mm: "40" }],
      "invalid_datatype",
      'inputs[1], column "bill_length_mm" must be a number; got "40"',
    ],
    [{ ...good, weight: 3 }, "invalid_input", 'unknown: "weight"'],
    ["island\nDream", "invalid_input", "must be a row of 6 values"],
  ])("the inputs %j are refused", async (inputs, code, message) => {
    const response = await service.post(PATH, { inputs });
    expect(response).toMatchObject({ status: 400, body: { code } });
    expect((response.body as { detail: string }).detail).toContain(message);
  });

  test.each<[text: string, query: string, message: string]>([
    [first, "", "with ?header=false the first line is a row"],
    [
      `${header}\n${first}\nDream,x,1,1,1,male`,
      "",
      'row 2, column "bill_length_mm" must be a number; got "x"',
    ],
    [`${header}\nDream,1`, "", "the row in line 2 has 2 cells instead of 6"],
    [`${header}\n"Dream`, "", "is not closed"],
    [header, "", "no row after its header"],
    [CSV, "?header=maybe", "header"],
    [CSV, "?delimiter=x", "delimiter"],
  ])("the CSV %j with %s is refused", async (text, query, message) => {
    const response = await sendCsv(text, query);
    expect(response.status).toBe(400);
    expect((response.body as { detail: string }).detail).toContain(message);
  });

  test("a table of another media type is refused", async () => {
    const headers = { "content-type": "text/tab-separated-values" };
    const response = await service.request(PATH, { method: "POST", body: CSV, headers });
    expect(response).toMatchObject({ status: 415, body: { code: "unsupported_media_type" } });
  });
});

describe("a table is recognized by its bytes", () => {
  test.each([
    "application/vnd.ms-excel",
    "application/csv",
    "application/octet-stream",
    "application/x-www-form-urlencoded",
    "text/plain",
    "",
  ])("with the type %j, as a body and in a form", async (type) => {
    const asCsv = await service.request(PATH, {
      method: "POST",
      body: CSV,
      headers: { "content-type": "text/csv" },
    });
    expect(asCsv.status).toBe(200);
    const body = new TextEncoder().encode(CSV);
    const headers = type === "" ? {} : { "content-type": type };
    const raw = await service.request(PATH, { method: "POST", body, headers });
    expect(raw).toMatchObject({ status: 200, body: asCsv.body });
    const form = new FormData();
    form.append("inputs", new Blob([body], { type }), "table.csv");
    const part = await service.request(PATH, { method: "POST", body: form });
    expect(part).toMatchObject({ status: 200, body: asCsv.body });
  });
});

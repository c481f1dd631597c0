import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readModelFile } from "../../../../packages/cli/src/local/model-folder.ts";
import { projectPath } from "../../../../scripts/project.ts";
import { createCall } from "../../../../src/domain/call.ts";
import { Media } from "../../../../src/domain/media.ts";
import { createBackgroundMaker } from "../../../../src/inference/explaining/make-background.ts";
import { parseExactJson } from "../../../../src/shared/exact-json.ts";
import { createBlocks } from "../../../../src/tasks/registry.ts";
import { rejectedApiError } from "../../../support/errors.ts";
import { findModel } from "../../../support/publish.ts";

const ENCODER = new TextEncoder();
const PENGUIN = ["Torgersen", 39.1, 18.7, 181, 3750, "male"];
const DIGIT = Array.from({ length: 8 }, () => new Array<number>(8).fill(3));

function make(name: string, inputs: unknown, { parameters = {}, changes = {} } = {}) {
  const model = findModel(name);
  const manifest = { ...model.manifest, ...changes };
  const maker = createBackgroundMaker({
    blocks: () =>
      createBlocks(manifest, async (path) => readModelFile(model, path), {
        decodeImage: () => Promise.reject(new Error("no pictures")),
      }),
    now: () => Date.UTC(2026, 11, 1),
  });
  const published = { ...manifest, manifest, revision: "1", versions: [manifest.version] };
  return maker.make(published, { inputs, parameters }, createCall());
}

const csv = (text: string): Media => new Media("text/csv", ENCODER.encode(text));

test("rows are kept as they are sent, with what they belong to", async () => {
  const { manifest } = findModel("penguins-gradient-boosting");
  const byName = Object.fromEntries(
    ["island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "sex"].map(
      (column, index) => [column, PENGUIN[index]],
    ),
  );
  const inputs = [PENGUIN, byName];
  expect(await make("penguins-gradient-boosting", inputs)).toEqual({
    schemaVersion: 1,
    model: "penguins-gradient-boosting",
    version: "1",
    modelSha256: manifest.files.find(({ path }) => path === manifest.file)?.sha256,
    createdAt: "2026-12-01T00:00:00.000Z",
    inputs,
  });
});

test("rows of CSV become those that pandas reads, of which a missing value is null", async () => {
  const table = readFileSync(projectPath("test", "fixtures", "tables", "penguins.csv"), "utf8");
  const { rows } = JSON.parse(
    readFileSync(projectPath("test", "fixtures", "tables", "penguins.json"), "utf8"),
  ) as { rows: readonly Readonly<Record<string, unknown>>[] };
  const { inputs } = await make("penguins-gradient-boosting", csv(table));
  expect(inputs).toEqual(rows.map((row) => Object.values(row)));
  expect(inputs.flat()).toContain(null);
  const again = await make("penguins-gradient-boosting", inputs);
  expect(again.inputs).toEqual(inputs);
});

test("a single input, a table by columns and CSV with parameters are rows too", async () => {
  const iris = [5.1, 3.5, 1.4, 0.2];
  expect((await make("iris-logistic", iris)).inputs).toEqual([iris]);
  const columns = findModel("iris-logistic").manifest.preprocess as unknown as {
    columns: readonly string[];
  };
  const table = Object.fromEntries(columns.columns.map((name, at) => [name, [iris[at], 1]]));
  expect((await make("iris-logistic", table)).inputs).toEqual([iris, [1, 1, 1, 1]]);
  const parameters = { delimiter: ";", header: false };
  const { inputs } = await make("iris-logistic", csv("5.1;3.5;1.4;0.2\n"), { parameters });
  expect(inputs).toEqual([iris]);
});

test("arrays, texts and rows of a model without a task are checked as well", async () => {
  expect((await make("digits-cnn", [DIGIT, DIGIT])).inputs).toEqual([DIGIT, DIGIT]);
  const texts = ["Bonjour tout le monde", "Guten Tag"];
  expect((await make("language-identification", texts)).inputs).toEqual(texts);
  const changes = { task: undefined, preprocess: undefined, postprocess: undefined };
  const rows = [[1, 2, 3, 4]];
  expect((await make("iris-logistic", rows, { changes })).inputs).toEqual(rows);
});

test.each([
  [
    "a row with too few values",
    "iris-logistic",
    [
      [1, 2, 3, 4],
      [1, 2, 3],
    ],
    "invalid_shape",
  ],
  [
    "a row with a text for a number",
    "iris-logistic",
    [
      [1, 2, 3, 4],
      [1, 2, 3, "x"],
    ],
    "invalid_datatype",
  ],
  [
    "an unknown category",
    "penguins-gradient-boosting",
    [PENGUIN, ["Mars", ...PENGUIN.slice(1)]],
    "invalid_input",
  ],
  ["an array of another shape", "digits-cnn", [DIGIT, DIGIT.slice(1)], "invalid_shape"],
  [
    "an array with a text",
    "digits-cnn",
    [DIGIT, DIGIT.map(() => new Array(8).fill("x"))],
    "invalid_datatype",
  ],
  ["a text that is none", "language-identification", ["a", 7], "invalid_input"],
])("%s is refused with the name of the row", async (_, name, inputs, code) => {
  const { message } = await rejectedApiError(code as "invalid_input", make(name, inputs));
  expect(message).toContain("inputs[1]");
});

test("a row of CSV is named by its number", async () => {
  const rows = csv("5.1,3.5,1.4,0.2\n1,2,3,x\n");
  const { message } = await rejectedApiError(
    "invalid_datatype",
    make("iris-logistic", rows, { parameters: { header: false } }),
  );
  expect(message).toContain("row 2");
});

test("more than 1,000 rows are refused, and an empty list", async () => {
  const rows = Array.from({ length: 1001 }, () => [1, 2, 3, 4]);
  const { message } = await rejectedApiError("invalid_request", make("iris-logistic", rows));
  expect(message).toContain("1001 rows");
  expect((await make("iris-logistic", rows.slice(1))).inputs).toHaveLength(1000);
  await rejectedApiError("invalid_shape", make("iris-logistic", []));
});

test("numbers that JSON has and a double has not are the nearest double, missing, or refused", async () => {
  const inputs = parseExactJson("[[1.0000000000000001, 2, 3, 4]]");
  expect((await make("iris-logistic", inputs)).inputs).toEqual([[1, 2, 3, 4]]);
  const penguin = [PENGUIN[0], "BILL", ...PENGUIN.slice(2)];
  const text = JSON.stringify([penguin]).replace('"BILL"', "1e400");
  const { inputs: kept } = await make("penguins-gradient-boosting", parseExactJson(text));
  expect(kept).toEqual([[PENGUIN[0], null, ...PENGUIN.slice(2)]]);
});

test("parameters that the task does not have are refused", async () => {
  const { message } = await rejectedApiError(
    "invalid_request",
    make("iris-logistic", [[1, 2, 3, 4]], { parameters: { source: "x" } }),
  );
  expect(message).toContain("delimiter");
});

test.each(["pocket-gpt", "whisper-tiny-en", "voice-activity"])(
  "%s, whose inputs are not single rows, has no background rows",
  async (name) => {
    const { message } = await rejectedApiError("task_not_supported", make(name, ["a"]));
    expect(message).toContain("background rows");
  },
);

test("sentences that are compared are no background rows", async () => {
  const inputs = { source_sentence: "a", sentences: ["b"] };
  await rejectedApiError("task_not_supported", make("sentence-embeddings", inputs));
});

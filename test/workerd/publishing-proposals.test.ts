import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readModelFile } from "../../packages/cli/src/local/model-folder.ts";
import { projectPath } from "../../scripts/project.ts";
import type { Manifest } from "../../src/domain/manifest.ts";
import type { TaskKind } from "../../src/domain/task-kinds.ts";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import { EXPECTED, EXPORT_FOLDERS } from "../support/export-folders.ts";
import { readExport } from "../support/exported-models.ts";
import { findModel } from "../support/publish.ts";
import type { TestResponse } from "../support/service.ts";
import { readWrittenFile, WRITTEN_CASES } from "../support/text-to-text-fixtures.ts";
import { uploadsOf } from "../support/uploads.ts";

/** Versions that are published with their task alone: their answers are those of other engines for the same models. */

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService();
}, 60_000);

afterAll(() => service?.dispose());

interface Published {
  readonly manifest: Manifest;
  readonly proposed: string[];
}

async function publish(
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  body: object,
): Promise<Published> {
  const response = await send(name, files, body);
  expect(response).toMatchObject({ status: 201 });
  return response.body as Published;
}

async function send(
  name: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  body: object,
): Promise<TestResponse> {
  const uploads = uploadsOf(service, name);
  for (const [path, content] of Object.entries(files)) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    expect(await uploads.send(path, bytes)).toMatchObject({ status: 201 });
  }
  return uploads.publish(body);
}

function filesOf(source: string, names?: readonly string[]): Record<string, Uint8Array> {
  const model = findModel(source);
  const paths = names ?? model.manifest.files.map(({ path }) => path);
  return Object.fromEntries(paths.map((path) => [path, readModelFile(model, path)]));
}

/** Numbers within the tolerance, everything else equal. */
function close(value: unknown, tolerance: number): unknown {
  if (typeof value === "number") return expect.closeTo(value, -Math.log10(2 * tolerance));
  if (Array.isArray(value)) return value.map((each) => close(each, tolerance));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, close(each, tolerance)]),
  );
}

interface Case {
  readonly source: string;
  readonly task: TaskKind;
  readonly files?: Readonly<Record<string, string>>;
  readonly labels?: boolean;
  readonly parameters?: object;
  /** Sentences that say what was assumed. */
  readonly proposed: readonly RegExp[];
}

const CASES: readonly Case[] = [
  {
    source: "iris-logistic",
    task: "tabular-classification",
    labels: true,
    proposed: [
      /^rows have the columns x0 to x3,/,
      /^scores are the output "probabilities", as they are: probabilities whose sum is 1$/,
      /^3 labels$/,
    ],
  },
  { source: "wine-naive-bayes", task: "tabular-classification", labels: true, proposed: [] },
  { source: "breast-cancer-mlp", task: "tabular-classification", labels: true, proposed: [] },
  {
    source: "diabetes-ridge",
    task: "tabular-regression",
    proposed: [/^rows have the columns x0 to x9/, /^predictions are the output "prediction"$/],
  },
  {
    source: "iris-kmeans",
    task: "clustering",
    proposed: [/^rows/, /^distances to the centres are the output "scores"$/, /numbered from 0$/],
  },
  {
    source: "imagenet-classification",
    task: "image-classification",
    labels: true,
    parameters: { top_k: 5 },
    files: {
      "preprocessor_config.json": JSON.stringify({
        do_resize: true,
        size: { shortest_edge: 256 },
        resample: 3,
        do_center_crop: true,
        crop_size: { height: 224, width: 224 },
      }),
    },
    proposed: [
      /^images are RGB, NHWC$/,
      /^their shorter edge is scaled to 256 pixels \(bicubic\), and the middle of 224 x 224 cut out$/,
      /^levels go into the model as they are$/,
      /^scores are the output "logits", made probabilities by softmax: their sum is not 1$/,
      /^1000 labels$/,
    ],
  },
  {
    source: "face-detection",
    task: "object-detection",
    labels: true,
    proposed: [
      /^images are RGB, NHWC$/,
      /^they are fitted into 128 x 128 pixels with black borders, guessed/,
      /^levels go/,
      /^boxes are the output "boxes", left, top, right, bottom, normalized, by a first run$/,
      /^scores are the output "scores", as they are, of 1 labels$/,
    ],
  },
  {
    source: "spam-detection",
    task: "text-classification",
    labels: true,
    proposed: [/^reads 512 tokens of a text, guessed$/, /^2 labels, scores by softmax$/],
  },
  {
    source: "language-identification",
    task: "text-classification",
    labels: true,
    parameters: { top_k: 5 },
    proposed: [/^texts are counted in the 620 n-grams of vocabulary\.json$/],
  },
  {
    source: "sentence-embeddings",
    task: "sentence-similarity",
    proposed: [/^reads 512/, /^pooling mean, guessed/, /^vectors are not scaled to length 1$/],
  },
  {
    source: "voice-activity",
    task: "voice-activity-detection",
    proposed: [
      /^audio of 16000 Hz, guessed$/,
      /^windows of 512 samples, with 64 of the window before in front$/,
      /^the state "h" comes from "hn", "c" comes from "cn"$/,
      /^probabilities of speech are the output "speech_probs"$/,
      /^predictions are not cached/,
    ],
  },
];

test.each(CASES)(
  "$source with the task $task alone has the answer of its example",
  async ({ source, task, files = {}, labels, parameters = {}, proposed }) => {
    const { manifest } = findModel(source);
    const name = `proposed-${source}`;
    const body = { task, ...(labels && { labels: manifest.labels }) };
    const published = await publish(name, { ...filesOf(source), ...files }, body);
    expect(published.manifest).toMatchObject({
      task,
      description: expect.stringMatching(/^Proposed/),
    });
    for (const [index, sentence] of proposed.entries())
      expect(published.proposed[index]).toMatch(sentence);
    const { inputs, output, tolerance } = manifest.example ?? { tolerance: 0 };
    const answer = await service.post(`/models/${name}`, { inputs, parameters });
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual(close(output, tolerance));
  },
);

describe("labels", () => {
  test("of texts come from a file, and texts go into the model as they are", async () => {
    const fixture = projectPath("test", "fixtures", "texts");
    const { labels, texts } = JSON.parse(readFileSync(join(fixture, "expected.json"), "utf8"));
    const model = readFileSync(join(fixture, "tfidf.onnx"));
    const files = { "model.onnx": model, "labels.txt": `${labels.join("\r\n")}\r\n` };
    const { proposed } = await publish("proposed-texts", files, { task: "text-classification" });
    expect(proposed).toEqual(
      expect.arrayContaining(["texts go into the model as they are", "2 labels"]),
    );
    for (const each of texts as { text: string; probabilities: number[] }[]) {
      if (each.text === "") continue;
      const { body } = await service.post("/models/proposed-texts", { inputs: each.text });
      const scores = Object.fromEntries(
        (body as { label: string; score: number }[]).map(({ label, score }) => [label, score]),
      );
      for (const [index, label] of labels.entries())
        expect(scores[label]).toBeCloseTo(each.probabilities[index] ?? Number.NaN, 5);
    }
  });

  test("of a ZipMap are those of the graph", async () => {
    const { manifest } = await publish(
      "proposed-zipmap",
      { "model.onnx": readExport("sklearn-logistic.onnx") },
      { task: "tabular-classification" },
    );
    expect(manifest).toMatchObject({
      labels: ["setosa", "versicolor", "virginica"],
      original: { changes: ["zipmap"] },
      postprocess: { scores: "output_probability", activation: "none" },
    });
  });

  test("are numbers where nothing names the classes, which is said", async () => {
    const { manifest, proposed } = await publish("proposed-digits", filesOf("digits-cnn"), {
      task: "image-classification",
    });
    expect(manifest).toMatchObject({
      labels: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
      preprocess: { type: "image", color: "GRAY", layout: "NCHW", scale: 1 / 255 },
      postprocess: { activation: "softmax" },
    });
    expect(proposed.join("\n")).toContain(
      'labels are the numbers 0 to 9, because neither the model nor a file has names: send "labels" or labels.txt',
    );
    const image = readFileSync(projectPath("test", "fixtures", "images", "grey.png"));
    const response = await service.request("/models/proposed-digits", {
      method: "POST",
      body: image,
      headers: { "content-type": "image/png" },
    });
    expect(response).toMatchObject({ status: 200 });
    expect(response.body).toHaveLength(10);
  });

  test("of another number than the scores are refused", async () => {
    expect(
      await send("proposed-few", filesOf("iris-logistic"), {
        task: "tabular-classification",
        labels: ["a", "b"],
      }),
    ).toMatchObject({
      status: 400,
      body: {
        code: "invalid_manifest",
        detail: expect.stringMatching(/labels: must have length 3, .*; it has 2/),
      },
    });
  });
});

describe("a table", () => {
  interface Estimator {
    readonly rows: readonly unknown[];
    readonly values: readonly unknown[];
    readonly labels?: readonly string[];
    readonly anomalies?: readonly boolean[];
  }
  const TABLES = projectPath("test", "fixtures", "tables");
  const { cases }: { cases: Record<string, Estimator> } = JSON.parse(
    readFileSync(join(TABLES, "estimators.json"), "utf8"),
  );
  const exported = (name: string) => ({ "model.onnx": readFileSync(join(TABLES, `${name}.onnx`)) });
  const estimator = (name: string): Estimator => cases[name] as Estimator;

  test.each(["forest", "one-class", "neighbours"])(
    "of the anomaly detector %s has the labels and scores of scikit-learn",
    async (name) => {
      const { rows, values, anomalies = [] } = estimator(name);
      const { proposed } = await publish(name, exported(name), { task: "anomaly-detection" });
      expect(proposed[1]).toBe('scores are the output "scores", below 0 of anomalies');
      const { body } = await service.post(`/models/${name}`, { inputs: rows });
      expect(body).toEqual(
        values.map((score, index) => ({
          label: anomalies[index] ? "anomaly" : "normal",
          score: close(score, 1e-4),
        })),
      );
      const parameters = { threshold: -100 };
      const lenient = await service.post(`/models/${name}`, { inputs: rows, parameters });
      for (const item of lenient.body as object[]) expect(item).toMatchObject({ label: "normal" });
    },
  );

  test("of several targets has a list of numbers a row, as scikit-learn predicts", async () => {
    const { rows, values } = estimator("targets");
    await publish("targets", exported("targets"), { task: "tabular-regression" });
    const { body } = await service.post("/models/targets", { inputs: rows });
    expect(body).toEqual(close(values, 1e-5));
  });

  describe("with one input a column", () => {
    const { rows, values, labels = [] } = estimator("columns");
    const table = rows as readonly Readonly<Record<string, unknown>>[];
    const complete = table.flatMap((row, index) =>
      Object.values(row).includes(null) ? [] : [index],
    );
    const names = Object.keys(table[0] ?? {});

    const expectScores = (body: unknown, indices: readonly number[]) => {
      const found = (body as { label: string; score: number }[][]).map((scores) =>
        labels.map((label) => scores.find((each) => each.label === label)?.score),
      );
      expect(found).toEqual(indices.map((index) => close(values[index], 1e-6)));
    };

    test("is proposed with the names of its inputs, and answers what scikit-learn answers", async () => {
      const body = { task: "tabular-classification" };
      const { manifest, proposed } = await publish("columns", exported("columns"), body);
      expect(manifest).toMatchObject({
        labels,
        preprocess: { type: "columns", columns: names.map((name) => ({ name })) },
      });
      expect(proposed[0]).toMatch(
        /^rows have the columns island, .*, heavy, as the inputs are named, .*; island are texts:/,
      );
      const inputs = complete.map((index) => table[index]);
      const arrays = inputs.map((row) => names.map((name) => row?.[name]));
      for (const form of [inputs, arrays])
        expectScores((await service.post("/models/columns", { inputs: form })).body, complete);
      const instances = inputs.map((row) =>
        Object.fromEntries(names.map((name) => [name, [row?.[name]]])),
      );
      const served = await service.post("/v1/models/columns:predict", { instances });
      expect(served.body).toMatchObject({
        predictions: complete.map((index) => ({ probabilities: close(values[index], 1e-6) })),
      });
    });

    test("takes missing values where its manifest has them, of CSV and of lists by column", async () => {
      const columns = names.map((name) =>
        name.startsWith("bill") ? { name, missing: "nan" } : { name },
      );
      const preprocess = { type: "columns", version: 1, columns };
      const body = { task: "tabular-classification", manifest: { preprocess } };
      await publish("missing", exported("columns"), body);
      const lists = Object.fromEntries(names.map((name) => [name, table.map((row) => row[name])]));
      const all = [...table.keys()];
      expectScores((await service.post("/models/missing", { inputs: { data: lists } })).body, all);
      const lines = table.map((row) => names.map((name) => row[name] ?? "NA").join(","));
      const csv = await service.request("/models/missing", {
        method: "POST",
        body: [names.join(","), ...lines].join("\n"),
        headers: { "content-type": "text/csv" },
      });
      expectScores(csv.body, all);
    });

    test("is not explained, which is said", async () => {
      const [index = 0] = complete;
      const response = await service.post("/models/columns/explain", { inputs: table[index] });
      expect(response).toMatchObject({
        status: 400,
        body: { detail: expect.stringContaining("columns") },
      });
    });
  });
});

describe("exports", () => {
  const CONFIGURATION = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
  ];

  test("of a decoder generate texts with the task alone, from the folder as it is", async () => {
    const folder = EXPORT_FOLDERS.gpt2;
    const paths = [
      ...CONFIGURATION,
      "onnx/decoder_model_merged.onnx",
      "onnx/decoder_model_merged.onnx_data",
    ];
    const files = Object.fromEntries(
      paths.map((path) => [path, new Uint8Array(readFileSync(join(folder, path)))]),
    );
    const { manifest } = await publish("proposed-gpt2", files, {
      task: "text-generation",
      context: 100,
    });
    expect(manifest).toMatchObject({ postprocess: { context: 100 } });
    const [{ prompt, tokens, certain } = { prompt: "", tokens: [], certain: 0 }] =
      EXPECTED.gpt2.cases;
    const { body } = await service.post("/models/proposed-gpt2", {
      inputs: prompt,
      parameters: { max_new_tokens: certain, details: true },
    });
    const [{ details }] = body as [{ details: { tokens: { id: number }[] } }];
    expect(details.tokens.map(({ id }) => id)).toEqual(tokens.slice(0, certain));
  });

  test("of an encoder-decoder have the task that is asked for", async () => {
    const config = {
      architectures: ["M2M100ForConditionalGeneration"],
      model_type: "m2m_100",
      is_encoder_decoder: true,
      max_position_embeddings: 48,
      decoder_start_token_id: 2,
    };
    const files = {
      "config.json": JSON.stringify(config),
      "generation_config.json": JSON.stringify({ eos_token_id: 2, max_length: 25, num_beams: 4 }),
      "tokenizer.json": readWrittenFile("source-tokenizer.json"),
      "encoder_model.onnx": readWrittenFile("merged-encoder.onnx"),
      "decoder_model_merged.onnx": readWrittenFile("merged-decoder.onnx"),
    };
    const { manifest, proposed } = await publish("proposed-summaries", files, {
      task: "summarization",
    });
    expect(manifest).toMatchObject({
      task: "summarization",
      postprocess: { type: "summarization" },
    });
    expect(proposed).toContain("summarization, as asked; the export suggests translation");
    const [{ text, source, target, runs } = { text: "", source: "", target: "", runs: [] }] =
      WRITTEN_CASES;
    const beams = runs.find(({ options }) => JSON.stringify(options) === '{"num_beams":4}');
    const parameters = { src_lang: source, tgt_lang: target };
    const { body } = await service.post("/models/proposed-summaries", { inputs: text, parameters });
    expect(body).toEqual([{ summary_text: beams?.texts[0] }]);
  });
});

describe("a task that cannot be proposed", () => {
  const refused: [string, Record<string, Uint8Array>, object, RegExp][] = [
    [
      "text-generation without configuration",
      filesOf("pocket-gpt", ["model.ort"]),
      { task: "text-generation" },
      /config\.json and tokenizer\.json has not been sent\. Send the files of the export/,
    ],
    [
      "token-classification without a tokenizer",
      filesOf("spam-detection", ["model.ort"]),
      { task: "token-classification" },
      /tokenizer\.json has not been sent\. Send tokenizer\.json beside the model/,
    ],
    [
      "text-classification of numbers",
      filesOf("iris-logistic"),
      { task: "text-classification" },
      /nothing says how texts become its input\. Send tokenizer\.json/,
    ],
    [
      "image-classification of rows",
      filesOf("iris-logistic"),
      { task: "image-classification" },
      /its input "features" is no image: .*Send preprocessor_config\.json/,
    ],
    [
      "object-detection without boxes",
      filesOf("digits-cnn"),
      { task: "object-detection" },
      /it has no output with boxes of shape \[batch, boxes, 4\]\. Send a manifest/,
    ],
    [
      "automatic-speech-recognition",
      filesOf("whisper-tiny-en", ["decoder.ort"]),
      { task: "automatic-speech-recognition" },
      /it needs a decoder, an encoder and a model of voice activity.*a manifest with models \(encoder, voice-activity\)/,
    ],
    [
      "voice-activity-detection of a model without state",
      filesOf("iris-logistic"),
      { task: "voice-activity-detection" },
      /it has no state that a run returns for the next one/,
    ],
    [
      "no task at all without a model",
      { "weights.bin": Uint8Array.of(1) },
      {},
      /no model has been sent, only "weights\.bin"\. Send a file whose name ends with \.onnx or \.ort/,
    ],
    [
      "one of several models",
      { "a.onnx": Uint8Array.of(1), "b.onnx": Uint8Array.of(1) },
      { task: "clustering" },
      /which of the files "a\.onnx", "b\.onnx" is the model\? Name it in "file"/,
    ],
  ];

  test.each(refused)("%s is refused with what to send", async (what, files, body, message) => {
    const name = what.replaceAll(" ", "-").slice(0, 60);
    expect(await send(name, files, body)).toMatchObject({
      status: 400,
      body: { code: "invalid_model", detail: expect.stringMatching(message) },
    });
    expect(
      (await uploadsOf(service, name).keys()).filter((key) => key.startsWith("models/")),
    ).toEqual([]);
  });
});

describe("a version that is published in one request with a task", () => {
  const put = (query: string) =>
    service.administer(`/models/whole/versions/1${query}`, {
      method: "PUT",
      body: readModelFile(findModel("iris-logistic"), "model.onnx"),
    });

  test("gets the blocks of the task, whose answer is that of the model's example", async () => {
    expect(await put("?task=tabular-classification")).toMatchObject({
      status: 201,
      body: { task: "tabular-classification", preprocess: { type: "tabular" } },
    });
    const { inputs, output } = findModel("iris-logistic").manifest.example ?? {};
    const response = await service.post("/models/whole", { inputs });
    const scores = (list: unknown) => (list as { score: number }[]).map(({ score }) => score);
    for (const [index, score] of scores(response.body).entries())
      expect(score).toBeCloseTo(scores(output)[index] ?? Number.NaN, 5);
  });

  test("that does not exist is refused with the tasks that do", async () => {
    expect(await put("?task=irises")).toMatchObject({
      status: 400,
      body: { code: "invalid_request", detail: expect.stringContaining("tabular-regression") },
    });
  });
});

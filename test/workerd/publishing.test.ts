import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readModelFile } from "../../packages/cli/src/local/model-folder.ts";
import type { Manifest } from "../../src/domain/manifest.ts";
import { toManifestText } from "../../src/domain/manifest-text.ts";
import { publicationFolderOf } from "../../src/domain/publication-folder.ts";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import { readExport, sha256Of } from "../support/exported-models.ts";
import { findModel } from "../support/publish.ts";
import { digestField, uploadsOf } from "../support/uploads.ts";

/** Publishing in steps: files in parts, then a manifest. */

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService();
});

afterAll(() => service?.dispose());

const KMEANS = findModel("iris-kmeans");

function fileOf(name: string, path: string): Uint8Array {
  return readModelFile(findModel(name), path);
}

const MODEL = fileOf("iris-kmeans", "model.onnx");

/** The manifest of a model of models/, for another name. */
function manifestFor(name: string, model = KMEANS.manifest, changes: object = {}): object {
  return { ...model, name, version: "1", ...changes };
}

describe("a file that is sent in parts", () => {
  const file = (name: string, received: number, complete: boolean) => ({
    name,
    version: "1",
    path: "deep/model.onnx",
    sizeBytes: MODEL.byteLength,
    sha256: sha256Of(MODEL),
    receivedBytes: received,
    complete,
  });

  test("is resumed by the list of what has arrived, and published", async () => {
    const uploads = uploadsOf(service, "in-parts");
    expect(await uploads.list()).toMatchObject({ status: 200, body: { files: [] } });
    expect(await uploads.sendPart("deep/model.onnx", MODEL, 0, 99)).toMatchObject({
      status: 201,
      body: { file: file("in-parts", 100, false) },
    });
    await uploads.sendPart("deep%2Fmodel.onnx", MODEL, 200, MODEL.byteLength - 1);
    expect((await uploads.list()).body).toEqual({
      files: [
        {
          path: "deep/model.onnx",
          sizeBytes: MODEL.byteLength,
          sha256: sha256Of(MODEL),
          received: [
            [0, 99],
            [200, MODEL.byteLength - 1],
          ],
          complete: false,
        },
      ],
    });
    expect(await uploads.publish({ task: "clustering" })).toMatchObject({
      status: 409,
      body: {
        code: "upload_incomplete",
        detail: expect.stringContaining("the bytes 100-199 are missing"),
        details: { missing: [{ start: 100, end: 199 }] },
      },
    });
    expect((await uploads.sendPart("deep/model.onnx", MODEL, 100, 199)).body).toEqual({
      file: file("in-parts", MODEL.byteLength, true),
    });
    const published = await uploads.publish({ task: "clustering" });
    expect(published).toMatchObject({ status: 201 });
    expect(published.headers.get("location")).toBe("/v2/models/in-parts/versions/1");
    const { manifest } = published.body as { manifest: Manifest };
    expect(manifest.files[0]?.sha256).toBe(sha256Of(MODEL));
    expect(await uploads.keys()).toEqual([
      `models/in-parts/1/${manifest.file}`,
      "models/in-parts/1/manifest.json",
    ]);
  });

  test("takes parts in any order, several at once, and again", async () => {
    const uploads = uploadsOf(service, "any-order");
    const size = 500;
    const starts = Array.from(
      { length: Math.ceil(MODEL.byteLength / size) },
      (_, index) => index * size,
    );
    const send = (start: number) =>
      uploads.sendPart("model.onnx", MODEL, start, Math.min(start + size, MODEL.byteLength) - 1);
    const sent = await Promise.all([...starts.toReversed(), ...starts].map(send));
    expect(sent.map(({ status }) => status)).toEqual(sent.map(() => 201));
    expect(await uploads.publish({ task: "clustering" })).toMatchObject({ status: 201 });
  });

  test("does not mix with parts of other bytes", async () => {
    const uploads = uploadsOf(service, "other-bytes");
    const other = Uint8Array.from(MODEL).fill(0, 150);
    const end = MODEL.byteLength - 1;
    await uploads.sendPart("model.onnx", MODEL, 0, 99);
    await uploads.sendPart("model.onnx", other, 100, end);
    expect(await uploads.publish({ task: "clustering" })).toMatchObject({
      status: 409,
      body: { code: "upload_incomplete" },
    });
    await uploads.sendPart("model.onnx", MODEL, 100, end);
    const files = [{ path: "model.onnx", sha256: sha256Of(MODEL) }];
    expect(await uploads.publish({ task: "clustering", files })).toMatchObject({ status: 201 });
    expect(await uploads.keys()).toHaveLength(2);
  });

  test("whose bytes are not those of its digest is refused when it is published, and not kept", async () => {
    const uploads = uploadsOf(service, "wrong-part");
    const wrong = Uint8Array.from(MODEL).fill(7, 0, 10);
    const end = MODEL.byteLength - 1;
    await uploads.send("model.onnx", wrong.subarray(0, 100), {
      "content-range": `bytes 0-99/${MODEL.byteLength}`,
      "repr-digest": digestField(MODEL),
    });
    await uploads.sendPart("model.onnx", MODEL, 100, end);
    expect(await uploads.publish()).toMatchObject({
      status: 400,
      body: {
        code: "digest_mismatch",
        details: { expected: sha256Of(MODEL), actual: sha256Of(wrong) },
      },
    });
    expect(await service.bucket.list({ prefix: "models/wrong-part/" })).toMatchObject({
      objects: [],
    });
    // Which part is wrong is not known: a client that resumes sends all of them again.
    expect(await uploads.keys()).toEqual([]);
    await uploads.sendPart("model.onnx", MODEL, 0, 99);
    await uploads.sendPart("model.onnx", MODEL, 100, end);
    expect(await uploads.publish()).toMatchObject({ status: 201 });
  });

  test.each<[string, Record<string, string>, RegExp]>([
    ["without the digest of the whole file", {}, /needs the header repr-digest/],
    [
      "with another unit",
      { "content-range": "items 0-9/20" },
      /content-range is not valid: send content-range: bytes FIRST-LAST\/SIZE/,
    ],
    ["of unknown size", { "content-range": "bytes 0-9/*" }, /is not valid/],
    ["that ends before it begins", { "content-range": "bytes 9-0/20" }, /ends before it begins/],
    [
      "beyond the file",
      { "content-range": "bytes 15-24/20" },
      /ends at byte 24, beyond the file, whose last byte is 19/,
    ],
    [
      "of another length than the content",
      { "content-range": "bytes 0-8/20" },
      /is of 9 bytes, and the content has 10/,
    ],
    [
      "with a digest that is none",
      { "content-range": "bytes 0-9/20", "repr-digest": "sha-256=abc" },
      /repr-digest must have the SHA-256 in base64 between colons/,
    ],
    [
      "with a digest of another kind",
      { "content-range": "bytes 0-9/20", "repr-digest": "md5=:rL0Y20zC+Fzt72VPzMSk2A==:" },
      /repr-digest must have the SHA-256/,
    ],
  ])("%s is refused", async (_, headers, message) => {
    const uploads = uploadsOf(service, "refused-part");
    const range = { "content-range": "bytes 0-9/20", ...headers };
    expect(await uploads.send("model.onnx", new Uint8Array(10), range)).toMatchObject({
      status: 400,
      body: { code: "invalid_request", detail: expect.stringMatching(message) },
    });
    expect(await uploads.keys()).toEqual([]);
  });

  test("that overlaps another one is refused with what is missing", async () => {
    const uploads = uploadsOf(service, "overlapping");
    await uploads.sendPart("model.onnx", MODEL, 100, 199);
    for (const [start, end] of [
      [0, 100],
      [199, 300],
      [120, 130],
      [100, 150],
    ] as const)
      expect(await uploads.sendPart("model.onnx", MODEL, start, end)).toMatchObject({
        status: 400,
        body: {
          detail: expect.stringContaining(
            `send what is missing (0-99, 200-${MODEL.byteLength - 1})`,
          ),
        },
      });
    expect(await uploads.keys()).toHaveLength(1);
  });
});

describe("a file that is sent as a whole", () => {
  test("is refused with another digest than it has, and not kept", async () => {
    const uploads = uploadsOf(service, "whole-digest");
    for (const header of ["repr-digest", "content-digest"])
      expect(
        await uploads.send("model.onnx", MODEL, { [header]: digestField(new Uint8Array(1)) }),
      ).toMatchObject({ status: 400, body: { code: "digest_mismatch" } });
    expect(await uploads.keys()).toEqual([]);
    const right = { "repr-digest": digestField(MODEL), "content-digest": digestField(MODEL) };
    expect(await uploads.send("model.onnx", MODEL, right)).toMatchObject({
      status: 201,
      body: { file: { sha256: sha256Of(MODEL), complete: true } },
    });
  });

  test.each([
    ["manifest.json", /the manifest is sent when the version is published/],
    ["a.parts/b", /"\.parts\/" is reserved/],
    ["0123456789abcdef/model.onnx", /a folder of 16 hexadecimal digits is reserved/],
    ["a%2F..%2Fb", /relative path/],
    ["a%5Cb", /relative path/],
    ["a//b", /relative path/],
    ["a%0Ab", /relative path/],
    ["%0D", /relative path/],
  ])("under the name %s is refused", async (path, message) => {
    const uploads = uploadsOf(service, "reserved");
    expect(await uploads.send(path, MODEL)).toMatchObject({
      status: 400,
      body: { code: "invalid_request", detail: expect.stringMatching(message) },
    });
    expect(await uploads.keys()).toEqual([]);
  });

  test("is deleted with all others of the version", async () => {
    const uploads = uploadsOf(service, "dropped");
    await uploads.send("model.onnx", MODEL);
    await uploads.sendPart("other.bin", MODEL, 0, 9);
    const files = "/models/dropped/versions/1/files";
    expect(await service.administer(files, { method: "DELETE" })).toMatchObject({
      status: 200,
      body: { deleted: { name: "dropped", version: "1" }, removedObjects: 2 },
    });
    expect((await uploads.list()).body).toEqual({ files: [] });
  });
});

describe("a manifest", () => {
  const names = [
    "iris-kmeans",
    "iris-logistic",
    "diabetes-ridge",
    "digits-cnn",
    "face-detection",
    "language-identification",
    "spam-detection",
    "sentence-embeddings",
    "voice-activity",
    "whisper-tiny-en",
    "pocket-gpt",
  ];

  test.each(names)("of %s is published with its files, and its example is run", async (source) => {
    const { manifest } = findModel(source);
    const name = `given-${source}`;
    const uploads = uploadsOf(service, name);
    for (const { path } of manifest.files) {
      const bytes = fileOf(source, path);
      expect(await uploads.send(path, bytes)).toMatchObject({ status: 201 });
    }
    const published = await uploads.publish({ manifest: manifestFor(name, manifest) });
    expect(published).toMatchObject({ status: 201 });
    const { manifest: stored } = published.body as { manifest: Manifest };
    const folder = publicationFolderOf(stored.file);
    const { files, file, models, preprocess, postprocess, ...rest } = stored;
    expect(rest).toMatchObject({ task: manifest.task, example: manifest.example });
    expect(files).toHaveLength(manifest.files.length);
    expect(files).toEqual(
      expect.arrayContaining(
        manifest.files.map(({ path, ...entry }) => ({ ...entry, path: `${folder}/${path}` })),
      ),
    );
    const text = await service.bucket.get(`models/${name}/1/manifest.json`);
    expect(await text?.text()).toBe(toManifestText(stored));
    const answer = await service.post(`/models/${name}`, { inputs: manifest.example?.inputs });
    expect(answer).toMatchObject({ status: 200 });
  });

  const wrong: [string, object, string, RegExp][] = [
    [
      "whose example has another answer",
      {
        example: {
          ...KMEANS.manifest.example,
          output: [
            { label: "0", distance: 0.17 },
            { label: "2", distance: 3.43702345 },
            { label: "1", distance: 5.20317666 },
          ],
        },
      },
      "example_mismatch",
      /example has another answer: the answer's \[0\] is \{"label":"0","distance":0\.1639\d+\}, where the example has \{"label":"0","distance":0\.17\} \(computed by scikit-learn/,
    ],
    [
      "whose example cannot be run",
      { example: { ...KMEANS.manifest.example, inputs: [1, 2] } },
      "example_mismatch",
      /its example cannot be run/,
    ],
    [
      "with another name",
      { name: "other" },
      "invalid_manifest",
      /name: is "other", but model "given-wrong" version 1 is published/,
    ],
    [
      "with an input that the model does not have",
      {
        inputs: [{ name: "rows", datatype: "FP32", shape: ["batch", 4] }],
        preprocess: { ...KMEANS.manifest.preprocess, input: "rows" },
      },
      "invalid_manifest",
      /inputs\[0\]\.name: is "rows", but the model has no input "rows": its inputs are "features" \(FP32/,
    ],
    [
      "with another datatype",
      {
        outputs: [
          { name: "label", datatype: "INT64", shape: ["batch"] },
          { name: "scores", datatype: "FP64", shape: ["batch", 3] },
        ],
      },
      "invalid_manifest",
      /outputs\[1\]\.datatype: is "FP64", but the model has FP32/,
    ],
    [
      "with another shape",
      {
        outputs: [
          { name: "label", datatype: "INT64", shape: ["batch"] },
          { name: "scores", datatype: "FP32", shape: ["batch", 4] },
        ],
      },
      "invalid_manifest",
      /outputs\[1\]\.shape: is \["batch",4\], but the model has \[\S+, 3\]/,
    ],
    [
      "without an output",
      { outputs: [{ name: "scores", datatype: "FP32", shape: ["batch", 3] }] },
      "invalid_manifest",
      /outputs: is \["scores"\], but the model also has the outputs "label"/,
    ],
    [
      "of another format",
      { format: "ort" },
      "invalid_manifest",
      /format: is "ort", but the file is in ONNX format/,
    ],
    [
      "with another size",
      { files: [{ path: "model.onnx", sha256: sha256Of(MODEL), sizeBytes: 1 }] },
      "invalid_manifest",
      /files\[0\]\.sizeBytes: is 1, but model\.onnx was sent with \d+ bytes/,
    ],
    [
      "with another digest",
      { files: [{ path: "model.onnx", sha256: "0".repeat(64), sizeBytes: MODEL.byteLength }] },
      "digest_mismatch",
      /the manifest's files\[0\]\.sha256 says 0000/,
    ],
    [
      "with a file that was not sent",
      {
        files: [
          ...KMEANS.manifest.files,
          { path: "labels.txt", sha256: "0".repeat(64), sizeBytes: 1 },
        ],
      },
      "invalid_model",
      /the file "labels\.txt" has not been sent\. Send it with PUT \/admin\/models\/given-wrong\/versions\/1\/files\/labels\.txt; sent: "model\.onnx"/,
    ],
    [
      "with a block that does not fit",
      { postprocess: { type: "clustering", version: 1, distances: "label" } },
      "invalid_manifest",
      /postprocess\.distances: "label" must have the shape/,
    ],
    ["with an unknown field", { cached: true }, "invalid_manifest", /cached/],
  ];

  test.each(wrong)("%s is refused, and nothing is left", async (_, changes, code, message) => {
    const uploads = uploadsOf(service, "given-wrong");
    await uploads.send("model.onnx", MODEL);
    const manifest = manifestFor("given-wrong", KMEANS.manifest, changes);
    expect(await uploads.publish({ manifest })).toMatchObject({
      status: 400,
      body: { code, detail: expect.stringMatching(message) },
    });
    expect(await uploads.keys()).toEqual(["uploads/given-wrong/1/model.onnx"]);
  });

  test("of a file that is no model is refused", async () => {
    const uploads = uploadsOf(service, "no-model");
    await uploads.send("model.onnx", new TextEncoder().encode("This is no model."));
    expect(await uploads.publish({ task: "clustering" })).toMatchObject({
      status: 400,
      body: { code: "invalid_model" },
    });
    expect(await uploads.keys()).toEqual(["uploads/no-model/1/model.onnx"]);
  });

  test("may leave out what the model says, and the weights that become part of it", async () => {
    const uploads = uploadsOf(service, "partial");
    for (const path of ["external.onnx", "parts/inner.bin", "weights.bin"])
      await uploads.send(path, readExport(path));
    const manifest = {
      description: "Weights in other files.",
      cache: { enabled: false, ttlSeconds: 60 },
    };
    expect(await uploads.publish({ manifest })).toMatchObject({
      status: 201,
      body: {
        manifest: {
          description: "Weights in other files.",
          cache: { enabled: false },
          original: { sha256: sha256Of(readExport("external.onnx")), changes: ["external-data"] },
          files: [{ path: expect.stringMatching(/^[0-9a-f]{16}\/external\.adapted\.onnx$/) }],
        },
      },
    });
  });
});

describe("a dry run", () => {
  test("returns a manifest that is published to the byte, once", async () => {
    const uploads = uploadsOf(service, "dry");
    await uploads.send("sklearn-logistic.onnx", readExport("sklearn-logistic.onnx"));
    const prepared = await uploads.publish({ task: "tabular-classification", dryRun: true });
    expect(prepared).toMatchObject({ status: 200 });
    const { manifest, manifestText } = prepared.body as {
      manifest: Manifest;
      manifestText: string;
    };
    expect(manifestText).toBe(toManifestText(manifest));
    expect(await service.request("/v2/models/dry")).toMatchObject({ status: 404 });
    expect((await uploads.keys()).filter((key) => key.startsWith("models/"))).toEqual([]);
    const outcomes = await Promise.all(
      Array.from({ length: 3 }, () => uploads.publish({ manifest: JSON.parse(manifestText) })),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    const stored = await service.bucket.get("models/dry/1/manifest.json");
    expect(await stored?.text()).toBe(manifestText);
    expect(await uploads.keys()).toEqual([
      `models/dry/1/${manifest.file}`,
      "models/dry/1/manifest.json",
    ]);
    const answer = await service.post("/models/dry", { inputs: [5.1, 3.5, 1.4, 0.2] });
    expect(answer.body).toMatchObject([{ label: "setosa" }, {}, {}]);
  });

  test("whose manifest is old is refused", async () => {
    const uploads = uploadsOf(service, "dry-old");
    await uploads.send("model.onnx", MODEL);
    const { body } = await uploads.publish({ task: "clustering", dryRun: true });
    const { manifest } = body as { manifest: Manifest };
    const createdAt = new Date(Date.parse(manifest.createdAt) - 46 * 60_000).toISOString();
    expect(await uploads.publish({ manifest: { ...manifest, createdAt } })).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining("prepare it again with a dry run") },
    });
  });
});

describe("publications of one version at the same time", () => {
  test("do not mix: one succeeds, with all of its files", async () => {
    const name = "raced";
    const uploads = uploadsOf(service, name);
    await uploads.send("a/model.onnx", MODEL);
    const other = fileOf("iris-logistic", "model.onnx");
    await uploads.send("b/model.onnx", other);
    const outcomes = await Promise.all([
      uploads.publish({ task: "clustering", file: "a/model.onnx" }),
      uploads.publish({ task: "tabular-classification", file: "b/model.onnx" }),
      service.publish(name, Uint8Array.from(MODEL)),
      service.publish(name, Uint8Array.from(other)),
    ]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    const stored = await service.bucket.get(`models/${name}/1/manifest.json`);
    const manifest = JSON.parse((await stored?.text()) ?? "") as Manifest;
    const keys = (await uploads.keys()).filter((key) => key.startsWith("models/"));
    expect(keys).toEqual([`models/${name}/1/${manifest.file}`, `models/${name}/1/manifest.json`]);
    expect(await service.request(`/v2/models/${name}/ready`)).toMatchObject({ status: 200 });
  });

  test("after it exists, uploads and publications are refused", async () => {
    const uploads = uploadsOf(service, "raced");
    for (const response of [
      await uploads.send("model.onnx", MODEL),
      await uploads.sendPart("model.onnx", MODEL, 0, 9),
      await uploads.publish({ task: "clustering" }),
    ])
      expect(response).toMatchObject({ status: 409, body: { code: "version_exists" } });
  });
});

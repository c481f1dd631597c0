import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import { fileKey } from "../../../src/storage/model-keys.ts";
import { sum } from "../../support/awkward-models.ts";
import { expectSameValues, readCacheModel } from "../../support/cache-fixtures.ts";
import type { CacheResults } from "../../support/cache-runs.ts";
import { type HostClient, numeric, sha256Of } from "../../support/hosts.ts";
import { findModel, publishAs } from "../../support/publish.ts";
import { store, storeFile } from "../../support/stored-model.ts";
import { expectClose } from "../../support/tensors.ts";

const MODELS = [
  "face-detection",
  "iris-logistic",
  "language-identification",
  "penguins-gradient-boosting",
  "sentence-embeddings",
  "voice-activity",
] as const;
const FIXTURES = projectPath("test", "fixtures");
/** Base64 as JSON carries it. */
const media = (type: string, bytes: Buffer) => ({ $media: [type, bytes.toString("base64")] });
const json = <T>(...path: string[]): T => JSON.parse(readFileSync(projectPath(...path), "utf8"));

/** Results as a whole, of every kind of input. */
export function testHostTasks(hostOf: () => HostClient): void {
  beforeAll(async () => {
    const { bucket } = hostOf().service;
    for (const name of MODELS) {
      const model = findModel(name);
      await publishAs(bucket, model, model.manifest);
    }
    await store(
      bucket,
      "test-task",
      { ...sum(1), name: hostOf().name },
      {
        cache: { enabled: true, ttlSeconds: 600, scope: "public" },
      },
    );
  });

  test("texts are classified as by another program", async () => {
    const { texts, tolerance }: { texts: Classified[]; tolerance: number } = json(
      "test/fixtures/expected/language-identification-texts.json",
    );
    const known = texts.filter(({ text }) => /\p{L}/u.test(text)).slice(0, 8);
    const inputs = known.map(({ text }) => text);
    const name = "language-identification";
    const parameters = { top_k: 3 };
    const { json: list, form } = await hostOf().execute({ name, inputs, parameters });
    expect(form).toBe("list");
    const predictions: Scored[][] = JSON.parse(list ?? "");
    for (const [index, { expected }] of known.entries())
      expectScores(predictions[index], expected.slice(0, 3), tolerance);
    const one = await hostOf().execute({ name, inputs: inputs[0], parameters });
    expect(one.form).toBe("one");
    expectScores(JSON.parse(one.json ?? ""), known[0]?.expected.slice(0, 3) ?? [], tolerance);
  });

  test("token ids are embedded as by another program, and counted", async () => {
    const { texts, tolerance }: { texts: Embedded[]; tolerance: number } = json(
      "test/fixtures/expected/sentence-embeddings-texts.json",
    );
    const inputs = texts.slice(0, 4).map(({ ids }) => ({ $tokens: ids }));
    const answer = await hostOf().execute({ name: "sentence-embeddings", inputs });
    expect(answer.error).toBeUndefined();
    const embeddings: number[][] = JSON.parse(answer.json ?? "");
    for (const [index, embedding] of embeddings.entries())
      expectClose(embedding, texts[index]?.embedding ?? [], tolerance);
    const inputTokens = texts.slice(0, 4).reduce((all, { ids }) => all + ids.length, 0);
    expect(answer.usage).toEqual({ inputTokens });
  });

  test("tokens are reserved before they are read, as far as the client's key has them", async () => {
    const call = { name: "sentence-embeddings", inputs: [{ $tokens: [101, 1996, 102] }] };
    const answer = await hostOf().execute({ ...call, tokens: 3 });
    expect([answer.usage, answer.reservedTokens]).toEqual([{ inputTokens: 3 }, 3]);
    const refused = await hostOf().execute({ ...call, tokens: 2 });
    expect(refused).toMatchObject({
      error: { code: "quota_exceeded", message: "2 tokens are not 3" },
      reservedTokens: 0,
    });
  });

  test("more inputs than the client's key permits are refused", async () => {
    const call = { name: "iris-logistic", inputs: Array(3).fill([5.1, 3.5, 1.4, 0.2]) };
    expect((await hostOf().execute({ ...call, limits: { batch: 3 } })).error).toBeUndefined();
    expect((await hostOf().execute({ ...call, limits: { batch: 2 } })).error).toMatchObject({
      code: "invalid_request",
      details: { keyLimit: "batch", limit: 2 },
    });
  });

  test("a picture is read by its bytes", async () => {
    const { example } = findModel("face-detection").manifest;
    const base64 = String(example?.inputs).replace(/^data:[^,]*,/, "");
    const inputs = { $media: ["image/jpeg", base64] };
    const faces = (await hostOf().value({ name: "face-detection", inputs })) as Face[];
    const expected = example?.output as unknown as Face[];
    expect(faces.map(({ label }) => label)).toEqual(expected.map(({ label }) => label));
    for (const [index, { score, box }] of faces.entries()) {
      const other = expected[index];
      expectClose([score], [other?.score ?? 0], example?.tolerance ?? 0);
      expectClose(Object.values(box), Object.values(other?.box ?? {}), 0.1);
    }
  });

  test("a recording is read by its bytes", async () => {
    const { clips, tolerance } = json<Clips>("test/fixtures/audio/clips.json");
    const [clip] = clips.filter(({ file }) => file === "two-sentences-16k.wav");
    const bytes = readFileSync(`${FIXTURES}/audio/${clip?.file}`);
    const inputs = media("audio/wav", bytes);
    const heard = (await hostOf().value({ name: "voice-activity", inputs })) as {
      probabilities: number[];
    };
    expectClose(heard.probabilities, clip?.probabilities ?? [], tolerance);
  });

  test("a table as CSV has the scores of scikit-learn", async () => {
    const table = json<{ labels: string[]; scores: number[][] }>(
      "test/fixtures/tables/penguins.json",
    );
    const inputs = media("text/csv", readFileSync(`${FIXTURES}/tables/penguins.csv`));
    const name = "penguins-gradient-boosting";
    const rows = (await hostOf().value({ name, inputs, parameters: { top_k: 3 } })) as Scored[][];
    expect(rows).toHaveLength(table.scores.length);
    for (const [index, row] of rows.entries()) {
      const scores = table.labels.map((label) => row.find((s) => s.label === label)?.score ?? -1);
      expectClose(scores, table.scores[index] ?? [], 1e-6);
    }
  });

  test("a row of numbers has the scores of its example", async () => {
    const { example } = findModel("iris-logistic").manifest;
    const value = await hostOf().value({ name: "iris-logistic", inputs: example?.inputs });
    expectScores(value as Scored[], example?.output as unknown as Scored[], 1e-6);
  });

  test("values that JSON does not have reach the task", async () => {
    const bytes = Buffer.from([0, 1, 2, 255]);
    const inputs = [
      { long: { $bigint: "9007199254740993" }, exact: { $number: "1e400" } },
      [{ $tokens: [101, 102] }, null, -1.5, "a\0☃"],
      media("image/png", bytes),
    ];
    const answer = await hostOf().execute({
      name: "test-task",
      inputs,
      parameters: { do: "echo" },
    });
    expect(JSON.parse(answer.json ?? "null")).toEqual([
      { long: { bigint: "9007199254740993" }, exact: { number: "1e400" } },
      [{ tokens: [101, 102] }, null, -1.5, "a\0☃"],
      { media: "image/png", bytes: sha256Of(bytes) },
    ]);
    expect([answer.form, answer.usage]).toEqual(["list", { inputTokens: 7 }]);
  });

  test("a recording of 40 MB, more than one message may have, reaches the task", async () => {
    const inputs = [{ $filled: ["audio/wav", 40_000_000] }, { $bigint: "9007199254740993" }];
    const value = await hostOf().value({ name: "test-task", inputs, parameters: { do: "echo" } });
    const bytes = sha256Of(new Uint8Array(40_000_000).fill(1));
    expect(value).toEqual([{ media: "audio/wav", bytes }, { bigint: "9007199254740993" }]);
  });

  test("numbers that no double holds are in the result", async () => {
    const { json: text } = await hostOf().execute({ name: "test-task", parameters: { do: "raw" } });
    expect(text).toBe('{"long":18446744073709551615,"exact":1.10}');
  });

  test("every run of a task can be in the cache, for other hosts and for single runs as well", async () => {
    const call = { name: "test-task", parameters: { do: "run" }, inputs: 3, isCached: true };
    const first = await hostOf().execute(call);
    expect([first.json, first.trace.cache]).toMatchObject([
      "3",
      { outcome: "miss", stored: true, reason: "absent" },
    ]);
    const service = hostOf().service;
    for (const host of ["cells", "isolates", hostOf().name] as const) {
      const again = await service.call(host, "execute", call);
      expect([again.json, again.trace.cache]).toMatchObject(["3", { outcome: "hit" }]);
      const tensors = [numeric("x", "FP32", [1], [2])];
      const run = await service.call(host, "infer", { name: "test-task", tensors, isCached: true });
      expect(run.tensors).toEqual([numeric("y", "FP32", [1], [3])]);
      expect(run.trace.cache).toMatchObject({ outcome: "hit", key: first.trace.cache.key });
    }
  });

  describe("a lease", () => {
    beforeAll(async () => {
      for (const model of ["growing", "attention"] as const) {
        const { bytes, sha256 } = readCacheModel(model);
        const name = `test-task-${model}`;
        const id = { name, version: "1" };
        const path = "model.onnx";
        await hostOf().service.bucket.put(fileKey(id, path), bytes);
        // The declared inputs and outputs are those that the host finds in the file.
        await store(hostOf().service.bucket, "any", sum(1));
        const candidate = { id, path, format: "onnx", sizeBytes: bytes.length, sha256 } as const;
        const { description } = await hostOf().call("describe", { name: "any", candidate });
        if (!description) throw new Error(`${model} was not described`);
        const { inputs, outputs } = JSON.parse(JSON.stringify(description));
        await storeFile(hostOf().service.bucket, name, bytes, { inputs, outputs });
      }
    });

    test("has the values of Python beside the model, and copies nothing that is kept", () =>
      expectSameValues(async (runs) => {
        const name = `test-task-${runs.model}`;
        await hostOf().call("load", { name });
        const before = await hostOf().statsOf(name);
        const results = await hostOf().value({ name, inputs: runs, parameters: { do: "lease" } });
        const after = await hostOf().statsOf(name);
        expect(after?.leases).toEqual([]);
        return {
          ...(results as CacheResults),
          bytesIn: (after?.bytesIn ?? 0) - (before?.bytesIn ?? 0),
          bytesOut: (after?.bytesOut ?? 0) - (before?.bytesOut ?? 0),
        };
      }));
  });
}

interface Scored {
  readonly label: string;
  readonly score: number;
}
interface Classified {
  readonly text: string;
  readonly expected: readonly Scored[];
}
interface Embedded {
  readonly ids: readonly number[];
  readonly embedding: readonly number[];
}
interface Face extends Scored {
  readonly box: Readonly<Record<string, number>>;
}
interface Clips {
  readonly clips: readonly { readonly file: string; readonly probabilities: readonly number[] }[];
  readonly tolerance: number;
}

function expectScores(
  actual: readonly Scored[] | undefined,
  expected: readonly Scored[],
  tolerance: number,
): void {
  expect(actual?.map(({ label }) => label)).toEqual(expected.map(({ label }) => label));
  expectClose(
    actual?.map(({ score }) => score) ?? [],
    expected.map(({ score }) => score),
    tolerance,
  );
}

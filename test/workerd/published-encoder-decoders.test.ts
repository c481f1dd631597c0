import { afterAll, beforeAll, expect, test } from "vitest";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../support/administration.ts";
import type { TestResponse } from "../support/service.ts";
import { readWrittenFile, WRITTEN_CASES } from "../support/text-to-text-fixtures.ts";

/** Encoder-decoders of Optimum, sent file by file, whose texts are those of transformers with the same weights. */

const NAME = "sent-translation";
const CONFIG = {
  architectures: ["M2M100ForConditionalGeneration"],
  model_type: "m2m_100",
  is_encoder_decoder: true,
  max_position_embeddings: 48,
  decoder_start_token_id: 2,
};
const GENERATION = { eos_token_id: 2, max_length: 25, num_beams: 4 };

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService();
}, 60_000);

afterAll(() => service?.dispose());

const send = (name: string, path: string, body: string | Uint8Array): Promise<TestResponse> =>
  service.request(`/admin/models/${name}/versions/1${path}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
    body: body as BodyInit,
  });

async function sendFiles(name: string, encoder: string | undefined): Promise<void> {
  const files: Record<string, string | Uint8Array> = {
    "config.json": JSON.stringify(CONFIG),
    "generation_config.json": JSON.stringify(GENERATION),
    "tokenizer.json": readWrittenFile("source-tokenizer.json"),
    ...(encoder && { [encoder]: readWrittenFile("merged-encoder.onnx") }),
  };
  for (const [path, body] of Object.entries(files))
    expect(await send(name, `/files/${encodeURIComponent(path)}`, body)).toMatchObject({
      status: 201,
    });
}

test("an encoder-decoder that was sent file by file has its task, and the texts of transformers", async () => {
  await sendFiles(NAME, "onnx/encoder_model.onnx");
  const published = await send(NAME, "", readWrittenFile("merged-decoder.onnx"));
  expect(published).toMatchObject({
    status: 201,
    body: {
      task: "translation",
      models: { encoder: { format: "onnx" } },
      preprocess: { languages: { source: "en", target: "de" } },
      postprocess: { numBeams: 4, maxNewTokens: 24 },
    },
  });
  const { files } = published.body as { files: { path: string }[] };
  const { objects } = await service.bucket.list({ prefix: `models/${NAME}/` });
  const stored = objects.map(({ key }) => key.slice(`models/${NAME}/1/`.length));
  expect(stored.sort()).toEqual(["manifest.json", ...files.map(({ path }) => path)].sort());
  const left = await service.bucket.list({ prefix: `uploads/${NAME}/` });
  expect(left.objects).toEqual([]);
  for (const { text, source, target, runs } of WRITTEN_CASES.slice(0, 8)) {
    const beams = runs.find(({ options }) => JSON.stringify(options) === '{"num_beams":4}');
    const parameters = { src_lang: source, tgt_lang: target };
    const { body } = await service.post(`/models/${NAME}`, { inputs: text, parameters });
    expect(body).toEqual([{ translation_text: beams?.texts[0] }]);
  }
});

test("a decoder whose encoder was not sent is refused, and nothing is left of it", async () => {
  await sendFiles("half", undefined);
  const refused = await send("half", "", readWrittenFile("merged-decoder.onnx"));
  expect(refused).toMatchObject({
    status: 400,
    body: { detail: expect.stringMatching(/its encoder is missing: send encoder_model\.onnx/) },
  });
  const { objects } = await service.bucket.list({ prefix: "models/half/" });
  expect(objects).toEqual([]);
});

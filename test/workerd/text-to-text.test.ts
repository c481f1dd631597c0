import { InferenceClient } from "@huggingface/inference";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AdministeredService, startAdministeredService } from "../support/administration.ts";
import type { StreamedToken } from "../support/generation-task.ts";
import { poll } from "../support/poll.ts";
import { storeTextToText } from "../support/stored-text-to-text.ts";
import {
  ENCODER_DECODER_FORMS,
  WRITTEN_CASES,
  type WrittenCase,
  type WrittenRun,
} from "../support/text-to-text-fixtures.ts";

/** Encoder-decoder models in workerd, each version in an isolate of its own: texts are those of transformers. */

const FIELDS = {
  "text2text-generation": "generated_text",
  summarization: "summary_text",
  translation: "translation_text",
} as const;
const TASKS = Object.keys(FIELDS) as (keyof typeof FIELDS)[];

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({ vars: { TIMEOUT_MS: "120000" } });
  for (const task of TASKS)
    for (const form of ENCODER_DECODER_FORMS) await storeTextToText(service.bucket, form, task);
}, 60_000);

afterAll(() => service?.dispose());

/** Greedy. */
const GREEDY = WRITTEN_CASES.slice(0, 12).map((each) => ({ ...each, run: runOf(each, {}) }));

function runOf({ runs }: WrittenCase, options: object): WrittenRun {
  const run = runs.find((each) => JSON.stringify(each.options) === JSON.stringify(options));
  if (!run) throw new Error(`no run with ${JSON.stringify(options)}`);
  return run;
}

const languagesOf = ({ source, target }: WrittenCase) => ({ src_lang: source, tgt_lang: target });

async function stream(path: string, body: object): Promise<StreamedToken[]> {
  const response = await fetch(`${service.origin}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...body, stream: true }),
  });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const events = (await response.text()).split("\n\n").filter((event) => event !== "");
  return events.map((event) => JSON.parse(event.slice(event.indexOf("data: ") + 6)));
}

describe.each(ENCODER_DECODER_FORMS)("the %s form", (form) => {
  test.each(TASKS)("writes the texts of transformers for %s, whole and streamed", async (task) => {
    const path = `/models/tiny-${form}-${task}`;
    for (const { text, run, ...each } of GREEDY) {
      const body = { inputs: text, parameters: languagesOf({ text, ...each }) };
      const whole = await service.post(path, body);
      expect(whole).toMatchObject({ status: 200, body: [{ [FIELDS[task]]: run.texts[0] }] });
      const parts = await stream(path, body);
      expect(parts.map(({ token }) => token.id)).toEqual(run.outputs[0]);
      expect(parts.at(-1)).toMatchObject({ generated_text: run.texts[0], details: null });
    }
  });

  test("writes several texts at once, each the same as alone", async () => {
    const path = `/models/tiny-${form}-translation`;
    const texts = await Promise.all(
      GREEDY.map(async (each) => {
        const body = { inputs: each.text, parameters: languagesOf(each) };
        return ((await service.post(path, body)).body as [{ translation_text: string }])[0]
          .translation_text;
      }),
    );
    expect(texts).toEqual(GREEDY.map(({ run }) => run.texts[0]));
  });

  test("finds the texts of transformers by beams, and streams them when they are found", async () => {
    const path = `/models/tiny-${form}-translation`;
    const options = { num_beams: 4, num_return_sequences: 3 };
    for (const each of WRITTEN_CASES.slice(0, 8)) {
      const parameters = { ...languagesOf(each), num_beams: 4 };
      const expected = runOf(each, options).texts;
      const whole = await service.post(path, {
        inputs: each.text,
        parameters: { ...parameters, num_return_sequences: 3 },
      });
      expect(whole.body).toEqual(expected.map((text) => ({ translation_text: text })));
      const parts = await stream(path, { inputs: each.text, parameters });
      expect(parts.at(-1)?.generated_text).toBe(runOf(each, { num_beams: 4 }).texts[0]);
    }
  });

  test("has both models in one cell of one isolate, and frees what texts held", async () => {
    const isolate = await poll("idle isolate", async () => {
      const { isolates } = await service.runtime();
      // The versions of all tasks have the same files, and so one isolate.
      const found = isolates.find(({ model }) => model.name.startsWith(`tiny-${form}-`));
      return found?.leases.length === 0 ? found : undefined;
    });
    expect(isolate).toMatchObject({ loads: 2, evictions: 0, crashes: 0 });
    expect(isolate.cells.map(({ models }) => models.length)).toEqual([2]);
  });
});

test("a list of texts has a list of results, and an event tells what was written", async () => {
  const [a, b] = GREEDY.filter(({ source, target }) => source === "de" && target === "en");
  const response = await service.post("/models/tiny-merged-translation", {
    inputs: [a?.text, b?.text],
    parameters: { src_lang: "de", tgt_lang: "en" },
  });
  expect(response.body).toEqual([a, b].map((each) => ({ translation_text: each?.run.texts[0] })));
  const event = await service.event(response.headers.get("x-request-id") ?? "");
  const count = (of: (each: (typeof GREEDY)[number]) => number) =>
    [a, b].reduce((sum, each) => sum + (each ? of(each) : 0), 0);
  expect(event.generation).toMatchObject({
    "gen_ai.usage.input_tokens": count(({ ids }) => ids.length),
    "gen_ai.usage.output_tokens": count(({ run }) => run.outputs[0]?.length ?? 0),
    "gen_ai.response.finish_reasons": ["eos_token"],
  });
});

test("/v2 serves the decoder, by the inputs of the manifest", async () => {
  const { body } = await service.request("/v2/models/tiny-crossed-translation");
  expect(body).toMatchObject({
    inputs: expect.arrayContaining([
      expect.objectContaining({ name: "cross.0.key", datatype: "FP32", shape: [-1, 4, -1, 8] }),
    ]),
    outputs: expect.arrayContaining([
      expect.objectContaining({ name: "logits", datatype: "FP32", shape: [-1, 1, 160] }),
    ]),
  });
});

describe("is refused with what is wrong:", () => {
  test.each<[string, object, RegExp]>([
    ["an empty text", { inputs: "" }, /^inputs is empty/],
    [
      "a text longer than the encoder reads",
      { inputs: "ban ".repeat(60) },
      /^inputs has \d+ tokens: this model reads 48 at most/,
    ],
    [
      "more tokens than the decoder's context has",
      { inputs: "ban", parameters: { max_new_tokens: 48 } },
      /"max_new_tokens" is 48, .* context has 48 tokens, 1 of which .* at most 47/,
    ],
    [
      "an unknown language",
      { inputs: "ban", parameters: { tgt_lang: "it" } },
      /"tgt_lang" is "it"/,
    ],
    [
      "an unknown parameter",
      { inputs: "ban", parameters: { beams: 2 } },
      /Unrecognized key.*beams/s,
    ],
    [
      "draws of beam search",
      { inputs: "ban", parameters: { num_beams: 2, temperature: 0.5 } },
      /"do_sample" cannot be used with beam search/,
    ],
    ["a list of streamed texts", { inputs: ["ban"], stream: true }, /"inputs" is a list/],
  ])("%s", async (_, body, message) => {
    const response = await service.post("/models/tiny-merged-translation", body);
    expect(response.status).toBe(400);
    expect((response.body as { detail: string }).detail).toMatch(message);
  });
});

describe("Hugging Face's client", () => {
  const client = new InferenceClient("hf_any");
  const [first] = GREEDY;
  if (!first) throw new Error("there is no case");
  const urlOf = (task: string): string => `${service.origin}/models/tiny-merged-${task}`;

  test("reads a translation", async () => {
    const parameters = languagesOf(first);
    const result = await client.translation({
      endpointUrl: urlOf("translation"),
      inputs: first.text,
      parameters,
    });
    expect(result).toEqual({ translation_text: first.run.texts[0] });
  });

  test("reads a summary, with parameters of the generation", async () => {
    const each = WRITTEN_CASES.find(
      ({ source, target }) => source === "de" && target === "en",
    ) as WrittenCase;
    const result = await client.summarization({
      endpointUrl: urlOf("summarization"),
      inputs: each.text,
      parameters: {
        ...languagesOf(each),
        truncation: "longest_first",
        generate_parameters: { num_beams: 4, max_new_tokens: 5 },
      },
    });
    expect(result).toEqual({
      summary_text: runOf(each, { num_beams: 4, max_new_tokens: 5 }).texts[0],
    });
  });

  test("reads a streamed text", async () => {
    let text = "";
    const request = {
      endpointUrl: urlOf("text2text-generation"),
      inputs: first.text,
      parameters: { ...languagesOf(first), details: true },
    };
    let last: StreamedToken | undefined;
    for await (const part of client.streamingRequest<StreamedToken>(request)) {
      if (!part.token.special) text += part.token.text;
      last = part;
    }
    expect(text).toBe(first.run.texts[0]);
    expect(last?.details).toMatchObject({
      finish_reason: "eos_token",
      input_length: first.ids.length,
    });
  });
});

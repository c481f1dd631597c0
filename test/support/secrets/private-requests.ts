import { type Body, form, type PlantedRequest, withBody } from "./planted-requests.ts";

/** What belongs to the client alone. */
export interface PrivateInputs {
  readonly text: string;
  /** Four. */
  readonly numbers: readonly number[];
  /** An integer of 32 bits. */
  readonly integer: number;
  readonly image: Buffer;
  readonly recording: Buffer;
}

/** In place of an operation. */
export const PRIVATE = "private inputs";

/**
 * Requests with inputs that nobody else may learn, by every protocol: predictions, streams, failures of the client, of the model, and of storage.
 * Models of the names `crashing`, `indexing`, `corrupt` and `missing` fail.
 */
export function privateRequests(
  inputs: PrivateInputs,
  headers: Readonly<Record<string, string>>,
): PlantedRequest[] {
  const post = (planted: string, path: string, body: Body): PlantedRequest => ({
    operationId: PRIVATE,
    planted,
    path,
    init: { method: "POST", ...withBody(headers, body) },
  });
  const json = (planted: string, path: string, value: unknown): PlantedRequest =>
    post(planted, path, { json: value });
  return [
    ...texts(inputs, json, post),
    ...generations(inputs, json),
    ...tensors(inputs, json, post),
    ...files(inputs, json, post),
    ...failures(inputs, json, post),
  ];
}

type Json = (planted: string, path: string, value: unknown) => PlantedRequest;
type Post = (planted: string, path: string, body: Body) => PlantedRequest;

function texts({ text }: PrivateInputs, json: Json, post: Post): PlantedRequest[] {
  return ["language-identification", "language-identification@production"]
    .flatMap((model) => [
      json("text", `/models/${model}`, { inputs: text }),
      json("texts", `/models/${model}`, { inputs: [text, `${text}!`], parameters: { top_k: 1 } }),
      post("plain text", `/models/${model}`, { raw: text, type: "text/plain" }),
      json("instances", `/v1/models/${model}:predict`, { instances: [text] }),
    ])
    .concat(
      json("embeddings", "/v1/embeddings", { model: "sentence-embeddings", input: [text] }),
      json("text", "/models/sentence-embeddings", { inputs: text }),
    );
}

function generations({ text }: PrivateInputs, json: Json): PlantedRequest[] {
  const model = "pocket-gpt";
  const prompt = `${text} and so does everything else of it, as we have heard of many people`;
  const chat = { model, max_tokens: 4, messages: [{ role: "user", content: prompt }] };
  const completion = { model, max_tokens: 4, prompt };
  return [
    json("chat", "/v1/chat/completions", { ...chat, user: text }),
    json("chat, again", "/v1/chat/completions", { ...chat, temperature: 0 }),
    json("streamed chat", "/v1/chat/completions", { ...chat, temperature: 0, stream: true }),
    json("completion", "/v1/completions", { ...completion, temperature: 0 }),
    json("completion with a seed", "/v1/completions", { ...completion, seed: 1, stop: [text] }),
    json("echo", "/v1/completions", { ...completion, temperature: 0, echo: true, logprobs: 1 }),
    json("streamed echo", "/v1/completions", {
      ...completion,
      temperature: 0,
      echo: true,
      stream: true,
    }),
    json("text generation", `/models/${model}`, {
      inputs: prompt,
      parameters: { max_new_tokens: 4, return_full_text: true, details: true },
    }),
    json("prompt details", `/models/${model}`, {
      inputs: prompt,
      parameters: {
        max_new_tokens: 2,
        do_sample: false,
        details: true,
        decoder_input_details: true,
      },
    }),
    json("a text that is too long", "/v1/completions", {
      ...completion,
      prompt: prompt.repeat(200),
    }),
    json("a grammar", "/v1/chat/completions", {
      ...chat,
      response_format: {
        type: "json_schema",
        json_schema: { name: "a", schema: { enum: [text] } },
      },
    }),
    json("a grammar that is wrong", `/models/${model}`, {
      inputs: prompt,
      parameters: { grammar: { type: "regex", value: `(${text}` } },
    }),
  ];
}

function tensors({ numbers }: PrivateInputs, json: Json, post: Post): PlantedRequest[] {
  const model = "iris-logistic";
  const tensor = { name: "features", datatype: "FP32", shape: [1, 4], data: numbers };
  const head = { inputs: [{ ...tensor, data: undefined, parameters: { binary_data_size: 16 } }] };
  const headText = JSON.stringify(head);
  const binary = post("binary tensor", `/v2/models/${model}/infer`, {
    raw: Buffer.concat([Buffer.from(headText), Buffer.from(Float32Array.from(numbers).buffer)]),
    type: "application/octet-stream",
  });
  return [
    json("numbers", `/models/${model}`, { inputs: numbers }),
    json("numbers, again", `/models/${model}`, { inputs: numbers }),
    json("rows", `/models/${model}`, { inputs: [numbers, numbers] }),
    post("CSV", `/models/${model}`, { raw: `${numbers.join(",")}\n`, type: "text/csv" }),
    json("tensor", `/v2/models/${model}/infer`, { id: "an-id", inputs: [tensor] }),
    json("tensor for a version", `/v2/models/${model}/versions/2/infer`, { inputs: [tensor] }),
    {
      ...binary,
      init: {
        ...binary.init,
        headers: {
          ...binary.init.headers,
          "inference-header-content-length": String(headText.length),
        },
      },
    },
    json("instances", `/v1/models/${model}:predict`, { instances: [numbers] }),
  ];
}

function files({ image, recording }: PrivateInputs, json: Json, post: Post): PlantedRequest[] {
  const base64 = image.toString("base64");
  return [
    post("image", "/models/face-detection", { raw: image, type: "image/png" }),
    post("image in a form", "/models/face-detection", form({}, "image.png", image, "inputs")),
    json("image in base64", "/models/face-detection", { inputs: base64 }),
    post("image that is cut off", "/models/face-detection", {
      raw: image.subarray(0, 40_000),
      type: "image/png",
    }),
    post(
      "recording in a form",
      "/v1/audio/transcriptions",
      form({ model: "whisper-tiny-en" }, "private.wav", recording),
    ),
    post("recording that is cut off", "/models/whisper-tiny-en", {
      raw: recording.subarray(0, 30_001),
      type: "audio/wav",
    }),
  ];
}

function failures(inputs: PrivateInputs, json: Json, post: Post): PlantedRequest[] {
  const { text, numbers, integer } = inputs;
  const integers = (name: string, data: readonly number[], datatype = "INT32"): object => ({
    name,
    datatype,
    shape: [data.length],
    data,
  });
  return [
    json("a text for numbers", "/models/iris-logistic", { inputs: text }),
    json("too few numbers", "/models/iris-logistic", { inputs: numbers.slice(1) }),
    json("a wrong datatype", "/v2/models/iris-logistic/infer", {
      inputs: [{ name: "features", datatype: "INT64", shape: [1, 4], data: numbers }],
    }),
    json("a wrong name", "/v2/models/iris-logistic/infer", {
      inputs: [{ name: text, datatype: "FP32", shape: [1, 4], data: numbers }],
    }),
    post("no JSON", "/models/language-identification", {
      raw: `{"inputs": ${text}}`,
      type: "application/json",
    }),
    post("a text for an image", "/models/face-detection", { raw: text, type: "image/png" }),
    json("an unknown model", `/models/${encodeURIComponent(text)}`, { inputs: text }),
    json("an unknown model in the body", "/v1/embeddings", { model: text, input: text }),
    json("a task that there is not", "/v1/embeddings", { model: "iris-logistic", input: text }),
    json("a number that crashes the engine", "/v2/models/crashing/infer", {
      inputs: [integers("a", [-2_147_483_648, integer]), integers("b", [-1, 1])],
    }),
    json("a number that is no index", "/v2/models/indexing/infer", {
      inputs: [integers("i", [integer], "INT64")],
    }),
    json("a corrupt manifest", "/models/corrupt", { inputs: text }),
    json("a missing file", "/models/missing", {
      inputs: Array.from({ length: 13 }, () => numbers[0]),
    }),
  ];
}

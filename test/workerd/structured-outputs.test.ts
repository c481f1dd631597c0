import { Ajv2020 } from "ajv/dist/2020.js";
import OpenAI, { APIError } from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { type Service, startService } from "../support/service.ts";

/** Answers of pocket-gpt that a request holds to JSON, drawn at temperatures at which it writes nonsense. */

const ajv = new Ajv2020({ strict: false });
const model = "pocket-gpt";
const messages = [{ role: "user" as const, content: 'Describe Ada "Countess" Lovelace as JSON.' }];

const PERSON = {
  type: "object",
  properties: {
    name: { type: "string" },
    born: { type: "integer", minimum: 1000, maximum: 2100 },
    titles: { type: "array", items: { type: "string" }, maxItems: 3 },
    kind: { enum: ["human", "machine"] },
    partner: { anyOf: [{ $ref: "#" }, { type: "null" }] },
  },
  required: ["name", "born", "titles", "kind", "partner"],
  additionalProperties: false,
};
const SCHEMAS = {
  PERSON,
  ratings: {
    type: "object",
    properties: {
      ratings: { type: "object", additionalProperties: { type: "number", minimum: 0, maximum: 5 } },
    },
    required: ["ratings"],
  },
  choice: {
    anyOf: [{ type: "boolean" }, { type: "array", items: { const: "naïve ☕" }, minItems: 1 }],
  },
  number: { type: "number" },
} as const;

let service: Service;
let client: OpenAI;

beforeAll(async () => {
  service = await startService({ models: [model] });
  client = new OpenAI({ baseURL: `${service.origin}/v1`, apiKey: "sk-any", maxRetries: 0 });
});

afterAll(() => service?.dispose());

async function failure(promise: Promise<unknown>): Promise<APIError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof APIError)) throw new Error(`no error of the API: ${error}`);
  return error;
}

function schemaFormat(schema: Record<string, unknown>): OpenAI.ResponseFormatJSONSchema {
  return { type: "json_schema", json_schema: { name: "answer", schema, strict: true } };
}

describe.each(Object.entries(SCHEMAS))("the schema %s", (_, schema) => {
  const validate = ajv.compile(schema);

  test.each([1, 2, 3, 4])("holds an answer of seed %i, whole and streamed", async (seed) => {
    const request = {
      model,
      messages,
      seed,
      temperature: 1.9,
      max_completion_tokens: [32, 40, 120, 400][seed - 1] as number,
      response_format: schemaFormat(schema),
    };
    const { choices } = await client.chat.completions.create(request);
    const content = choices[0]?.message.content ?? "";
    expect({ content, isValid: validate(JSON.parse(content)) }).toEqual({ content, isValid: true });
    let streamed = "";
    for await (const chunk of await client.chat.completions.create({ ...request, stream: true }))
      streamed += chunk.choices[0]?.delta.content ?? "";
    expect(streamed).toBe(content);
  });
});

test("json_object is an object, also where the tokens end", async () => {
  for (const [seed, tokens] of [2, 3, 5, 17, 64, 200].entries()) {
    const { choices } = await client.chat.completions.create({
      model,
      messages,
      seed,
      temperature: 2,
      max_completion_tokens: tokens,
      response_format: { type: "json_object" },
    });
    const value: unknown = JSON.parse(choices[0]?.message.content ?? "");
    expect(Object.prototype.toString.call(value)).toBe("[object Object]");
    expect(choices[0]?.finish_reason).toBe("stop");
  }
});

test("an answer that its tokens shorten is complete, and so is the reason of its end", async () => {
  const request = {
    model,
    messages,
    temperature: 0,
    max_completion_tokens: 12,
    response_format: schemaFormat({
      type: "object",
      properties: { text: { type: "string", minLength: 12 } },
      required: ["text"],
    }),
  };
  const { choices, usage } = await client.chat.completions.create(request);
  expect(choices[0]?.finish_reason).toBe("stop");
  expect(JSON.parse(choices[0]?.message.content ?? "")).toEqual({ text: expect.any(String) });
  expect(usage?.completion_tokens).toBeLessThanOrEqual(12);
});

test("the parser of OpenAI's client returns a value of zod", async () => {
  const shape = z.object({
    command: z.string(),
    risk: z.enum(["low", "high"]),
    steps: z.array(z.int().min(1).max(9)).max(2),
    note: z.string().nullable(),
  });
  const request = {
    model,
    messages,
    max_completion_tokens: 300,
    response_format: zodResponseFormat(shape, "command"),
  };
  for (const seed of [1, 2]) {
    const drawn = { ...request, seed, temperature: 1.2 };
    const { choices } = await client.chat.completions.parse(drawn);
    const parsed = choices[0]?.message.parsed;
    expect(shape.parse(parsed)).toEqual(parsed);
    const streamed = await client.chat.completions.stream(drawn).finalChatCompletion();
    expect(streamed.choices[0]?.message.parsed).toEqual(parsed);
  }
});

test("the task API takes Hugging Face's grammars", async () => {
  const generate = async (grammar: object, parameters: object = {}): Promise<string> => {
    const { status, body } = await service.post(`/models/${model}`, {
      inputs: "The first programmer was",
      parameters: { grammar, max_new_tokens: 40, return_full_text: false, ...parameters },
    });
    expect({ status, body }).toMatchObject({ status: 200 });
    return (body as [{ generated_text: string }])[0].generated_text;
  };
  const schema = SCHEMAS.choice;
  const validate = ajv.compile(schema);
  for (const grammar of [
    { type: "json", value: schema },
    { type: "json_schema", value: { name: "choice", schema } },
  ])
    expect(validate(JSON.parse(await generate(grammar, { temperature: 2, seed: 5 })))).toBe(true);
  const expression = { type: "regex", value: "[A-Z][a-z]{2,8}( [A-Z][a-z]+){1,2}\\." };
  expect(await generate(expression)).toMatch(/^[A-Z][a-z]{2,8}( [A-Z][a-z]+){1,2}\.$/);
});

test("words that are excluded come back where nothing else can follow", async () => {
  const { choices } = await client.chat.completions.create({
    model,
    messages,
    max_completion_tokens: 20,
    logit_bias: Object.fromEntries(Array.from({ length: 200 }, (_, token) => [token, -100])),
    response_format: schemaFormat({ const: { a: 1 } }),
  });
  expect(choices[0]).toMatchObject({ message: { content: '{"a":1}' }, finish_reason: "stop" });
});

test.each([
  [
    "an unknown keyword",
    { type: "object", not: {} },
    'has "not", and supported are type, enum, const',
  ],
  [
    "a schema within that is wrong",
    { type: "object", properties: { a: { type: "text" } } },
    '"$.properties.a" has a wrong type',
  ],
  ["a reference to nowhere", { $ref: "#/$defs/a" }, "does not exist"],
  [
    "a reference to another document",
    { $ref: "https://example.com/a" },
    "must refer to this schema",
  ],
  [
    "a pattern that is no automaton",
    { type: "string", pattern: "(?=a)b" },
    "lookaround and flags are not supported",
  ],
  ["an unknown format", { type: "string", format: "color" }, "must be one of date-time, date"],
  [
    "an endless schema",
    {
      $defs: { a: { type: "object", properties: { a: { $ref: "#/$defs/a" } }, required: ["a"] } },
      $ref: "#/$defs/a",
    },
    "can write no text",
  ],
  ["bounds without a number", { type: "integer", minimum: 3, maximum: 2 }, "no number between"],
  [
    "a repetition that is too long",
    { type: "string", pattern: "^(a{1,900}){1,900}$" },
    "too large",
  ],
  ["a schema that is no object", 7, "response_format.json_schema.schema"],
])("%s is refused", async (_, schema, message) => {
  const request = { model, messages, response_format: schemaFormat(schema as never) };
  for (const stream of [false, true]) {
    const error = await failure(client.chat.completions.create({ ...request, stream }));
    expect(error).toMatchObject({ status: 400, type: "invalid_request_error" });
    expect(error.param).toMatch(/^response_format/);
    expect(error.message).toContain(message);
  }
});

test("fewer tokens than the shortest answer are refused", async () => {
  const response_format = schemaFormat({ const: "a text of a dozen tokens or so, in any case" });
  const error = await failure(
    client.chat.completions.create({ model, messages, max_tokens: 3, response_format }),
  );
  expect(error).toMatchObject({ status: 400, param: "max_tokens" });
  expect(error.message).toMatch(
    /max_tokens is 3, and the shortest text that response_format accepts takes \d+ tokens/,
  );
});

import { describe, expect, test } from "vitest";
import { Media } from "../../../src/domain/media.ts";
import { parseTaskBody as parse } from "../../../src/protocols/task-body.ts";
import { rejectedApiError } from "../../support/errors.ts";

const MEDIA_TYPES = ["text/plain"];
const parseTaskBody = (type: string, body: Uint8Array, query: Record<string, string>) =>
  parse(type, body, query, MEDIA_TYPES);

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A form as a client sends it. */
async function form(
  ...fields: [name: string, value: string | Blob][]
): Promise<{ type: string; body: Uint8Array }> {
  const data = new FormData();
  for (const [name, value] of fields) data.append(name, value);
  const response = new Response(data);
  return { type: response.headers.get("content-type") ?? "", body: await response.bytes() };
}

const png = new Blob([new Uint8Array([1, 2, 3])], { type: "image/png" });

describe("a JSON body", () => {
  test.each(["application/json", "", "application/x-www-form-urlencoded", "application/hal+json"])(
    "a JSON body is parsed with the content type %j",
    async (type) => {
      const body = bytes('{"inputs": [1], "parameters": {"top_k": 1}}');
      expect(await parseTaskBody(type, body, {})).toEqual({
        inputs: [1],
        parameters: { top_k: 1 },
      });
    },
  );

  test("parameters in a JSON body take precedence over those in the query", async () => {
    const body = bytes('{"inputs": 1, "parameters": {"a": 1}}');
    const { parameters } = await parseTaskBody("", body, {
      a: "2",
      b: "0.5",
      c: "text",
      d: "true",
    });
    expect(parameters).toEqual({ a: 1, b: 0.5, c: "text", d: true });
  });

  test("a text/plain body is parsed as JSON for a task that accepts no text", async () => {
    expect(await parse("text/plain;charset=UTF-8", bytes('{"inputs": 1}'), {}, [])).toEqual({
      inputs: 1,
      parameters: {},
    });
  });

  test.each(["", "application/x-www-form-urlencoded"])(
    "JSON and bytes with the content type %j are distinguished for a task that accepts bytes",
    async (type) => {
      const takesBytes = ["image/png", "application/octet-stream"];
      const image = new Uint8Array([0x89, 0x50]);
      const { inputs } = await parse(type, image, { top_k: "2" }, takesBytes);
      expect(inputs).toEqual(new Media("application/octet-stream", image));
      const json = await parse(type, bytes(' \n{"inputs": 1}'), {}, takesBytes);
      expect(json.inputs).toBe(1);
      await rejectedApiError("invalid_json", parse(type, image, {}, ["image/png"]));
    },
  );

  test("a body that is not JSON is refused", async () => {
    await rejectedApiError("invalid_json", parseTaskBody("", bytes("{"), {}));
  });

  test.each([
    ["", true],
    ["application/x-www-form-urlencoded", true],
    ["application/json", false],
    ["application/hal+json; charset=utf-8", false],
  ])(
    "the error for bytes with the content type %j names the valid content types: %j",
    async (type, named) => {
      const wav = bytes("RIFF");
      const { message } = await rejectedApiError(
        "invalid_json",
        parse(type, wav, {}, ["audio/wav"]),
      );
      expect(message.includes("To send the input itself, set content-type to audio/wav.")).toBe(
        named,
      );
    },
  );

  test("a JSON body with a field of another type is refused", async () => {
    const body = bytes('{"inputs": "a", "normalize": "yes"}');
    const { message } = await rejectedApiError("invalid_request", parseTaskBody("", body, {}));
    expect(message).toBe('"normalize" must be true or false; got "yes".');
  });
});

test.each([
  ["image/jpeg", "image/jpeg"],
  ["Image/PNG", "image/png"],
  ["text/plain;charset=UTF-8", "text/plain"],
  ["text/csv", "text/csv"],
  ["audio/wav", "audio/wav"],
  ["application/octet-stream", "application/octet-stream"],
])("a body of type %s is the input itself", async (type, expected) => {
  const body = bytes('{"inputs": 1}');
  const { inputs, parameters } = await parseTaskBody(type, body, { top_k: "3" });
  expect(inputs).toBeInstanceOf(Media);
  expect(inputs).toMatchObject({ type: expected, bytes: body });
  expect(parameters).toEqual({ top_k: 3 });
});

describe("a form", () => {
  test("a form with one file has one input", async () => {
    const { type, body } = await form(["inputs", png], ["parameters", '{"top_k": 2}']);
    const { inputs, parameters } = await parseTaskBody(type, body, {});
    expect(inputs).toMatchObject({ type: "image/png", bytes: new Uint8Array([1, 2, 3]) });
    expect(parameters).toEqual({ top_k: 2 });
  });

  test("a form with several inputs, also texts, has a list of inputs", async () => {
    const { type, body } = await form(["inputs", png], ["inputs", "héllo"]);
    const { inputs } = await parseTaskBody(type, body, { top_k: "1" });
    expect(inputs).toMatchObject([{ type: "image/png" }, "héllo"]);
  });

  test("stream may be in the query, for a task that generates, and the body takes precedence", async () => {
    const { type, body } = await form(["inputs", "text"]);
    const parseGenerating = (stream: string, contentType = type, content = body) =>
      parse(contentType, content, { stream, top_k: "2" }, MEDIA_TYPES, true);
    const parameters = { top_k: 2 };
    expect(await parseGenerating("true")).toEqual({ inputs: "text", stream: true, parameters });
    expect(await parseGenerating("false")).toEqual({ inputs: "text", stream: false, parameters });
    expect(await parseGenerating("true", "text/plain", bytes("a"))).toMatchObject({ stream: true });
    const json = bytes('{"inputs": "a", "stream": false}');
    expect(await parseGenerating("true", "", json)).toMatchObject({ stream: false });
    const { message } = await rejectedApiError("invalid_request", parseGenerating("yes"));
    expect(message).toMatch(/"stream" in the query must be true or false; got "yes"/);
    const other = await parse(type, body, { stream: "true" }, MEDIA_TYPES);
    expect(other).toEqual({ inputs: "text", parameters: { stream: true } });
  });

  test("a file without a type in a form is application/octet-stream", async () => {
    const { type, body } = await form(["inputs", new Blob([new Uint8Array([1])])]);
    const { inputs } = await parseTaskBody(type, body, {});
    expect(inputs).toMatchObject({ type: "application/octet-stream" });
  });

  test.each<[string, [string, string | Blob][], string]>([
    ["another field", [["file", png]], 'Unknown form field "file"'],
    ["no inputs", [["parameters", "{}"]], 'no field "inputs"'],
    [
      "parameters in a file",
      [
        ["inputs", "a"],
        ["parameters", png],
      ],
      '"parameters" must be JSON text',
    ],
  ])("a form with %s is refused", async (_, fields, message) => {
    const { type, body } = await form(...fields);
    const error = await rejectedApiError("invalid_request", parseTaskBody(type, body, {}));
    expect(error.message).toContain(message);
  });

  test.each([
    "multipart/form-data",
    "multipart/form-data; boundary=nothing",
    "multipart/form-data; boundary=",
  ])("a body that is not a form with the content type %j is refused", async (type) => {
    const error = await rejectedApiError(
      "invalid_request",
      parseTaskBody(type, bytes("not a form"), {}),
    );
    expect(error.message).toContain("The body is not a valid multipart/form-data form");
  });

  test("a form whose parameters are not JSON is refused", async () => {
    const { type, body } = await form(["inputs", "a"], ["parameters", "{"]);
    const { message } = await rejectedApiError("invalid_json", parseTaskBody(type, body, {}));
    expect(message).toMatch(/^The form field "parameters" is not JSON: /);
  });
});

test.each([
  [["text/plain"], ", or the input itself as text/plain"],
  [["image/jpeg", "image/png"], ", or the input itself as image/jpeg or image/png"],
  [[], ""],
])("the error for an empty body names the media types of the task: %j", async (mediaTypes, raw) => {
  for (const type of ["", "application/json", "text/plain", "image/png", "multipart/form-data"]) {
    const work = parse(type, new Uint8Array(), {}, mediaTypes);
    const { message } = await rejectedApiError("empty_body", work);
    expect(message).toBe(`The body is empty: send {"inputs": ...} as JSON${raw}.`);
  }
});

describe("bytes that the model takes are recognized, whatever their type:", () => {
  const wav = new Uint8Array(Buffer.from("RIFF\x04\0\0\0WAVE", "latin1"));
  const picture = new Uint8Array(Buffer.from("\x89PNG\r\n\x1a\n", "latin1"));
  const table = bytes("a,b\n1,2\n");
  const audio = ["audio/wav", "audio/x-wav"];
  const images = ["image/jpeg", "image/png", "application/octet-stream"];
  const generic = ["", "application/octet-stream", "application/x-www-form-urlencoded"];
  const ofTables = ["application/vnd.ms-excel", "application/csv", "text/x-csv", "text/plain"];

  test.each([
    ...[...generic, "audio/vnd.wave", "audio/mpeg", "video/wav", "text/plain"].map(
      (type) => [type, wav, audio, "audio/wav"] as const,
    ),
    ...[...generic, "image/jpg", "image/gif", "text/plain"].map(
      (type) => [type, picture, images, "image/png"] as const,
    ),
    ...[...generic, ...ofTables].map((type) => [type, table, ["text/csv"], "text/csv"] as const),
  ])("a body of type %j", async (type, body, accepted, expected) => {
    const { inputs } = await parse(type, body, {}, accepted);
    expect(inputs).toEqual(new Media(expected, body));
    if (type === "application/x-www-form-urlencoded") return;
    const part = await form(["inputs", new Blob([body as Uint8Array<ArrayBuffer>], { type })]);
    const { inputs: ofForm } = await parse(part.type, part.body, {}, accepted);
    expect(ofForm).toEqual(new Media(expected, body));
  });

  test("a text in a form without a type is text for a model of texts", async () => {
    const part = await form(["inputs", new Blob([bytes("héllo")])]);
    const { inputs } = await parseTaskBody(part.type, part.body, {});
    expect(inputs).toEqual(new Media("text/plain", bytes("héllo")));
  });

  test.each([
    ["application/vnd.ms-excel", "PK\x03\x04", ["text/csv"]],
    ["application/octet-stream", "\xd0\xcf\x11\xe0", ["text/csv"]],
    ["application/octet-stream", "a\0b", ["text/plain"]],
    ["application/octet-stream", '{"inputs": 1}', ["text/plain"]],
    ["application/octet-stream", "OggS", ["audio/wav"]],
  ])("but not %j with the bytes %j", async (type, body, accepted) => {
    const raw = new Uint8Array(Buffer.from(body, "latin1"));
    const { inputs } = await parse(type, raw, {}, accepted);
    expect(inputs).toEqual(new Media(type, raw));
  });

  test.each(["", "text/plain", "application/x-www-form-urlencoded"])(
    "JSON of type %j stays JSON for a model of tables",
    async (type) => {
      const { inputs } = await parse(type, bytes('{"inputs": [[1, 2]]}'), {}, ["text/csv"]);
      expect(inputs).toEqual([[1, 2]]);
    },
  );
});

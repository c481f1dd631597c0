import { ApiError } from "../../domain/errors.ts";
import { Media, mediaType } from "../../domain/media.ts";
import { quoteAll } from "../../shared/quote.ts";
import { parseJson } from "../json.ts";
import { parseTaskRequest, type TaskRequest } from "./task-request.ts";

/** Bodies that are the input itself. Every other one is read as JSON, whatever it is called. */
const RAW = /^(?:image|audio|video|text)\/|^application\/(?:octet-stream|pdf|zip)$/;
/** What programs say that say nothing: `fetch` with bytes, and curl with --data-binary. */
const UNNAMED = ["", "application/x-www-form-urlencoded"];
const BINARY = "application/octet-stream";
const FORM_FIELDS = ["inputs", "parameters"];

/**
 * The body of a request to the task door: JSON, the input itself (a picture, a sound, a text, a
 * table), or a form with one or several inputs. Parameters may also stand in the query, where a raw
 * body has no other place for them; the body's own go first.
 * @param contentType the header, empty when there is none
 * @param query by name; each value JSON, or else a text
 * @param mediaTypes what the task takes. `text/plain` is read as JSON by a task that takes no text:
 *   programs that say nothing of their JSON call it so (`fetch` with a string). A body without a type
 *   that does not begin as a JSON object is the input itself for a task that takes bytes
 * @throws ApiError `empty_body`, `invalid_json`, `invalid_request`
 */
export async function parseTaskBody(
  contentType: string,
  body: Uint8Array,
  query: Readonly<Record<string, string>>,
  mediaTypes: readonly string[],
): Promise<TaskRequest> {
  const { inputs, parameters } = await parseBody(contentType, body, mediaTypes);
  return { inputs, parameters: { ...parseQuery(query), ...parameters } };
}

async function parseBody(
  contentType: string,
  body: Uint8Array,
  mediaTypes: readonly string[],
): Promise<TaskRequest> {
  if (body.byteLength === 0) throw emptyBody(mediaTypes);
  const type = mediaType(contentType);
  if (type === "multipart/form-data") return parseForm(contentType, body);
  const isUnnamedJson = type === "text/plain" && !mediaTypes.includes(type);
  if (RAW.test(type) && !isUnnamedJson) return { inputs: new Media(type, body), parameters: {} };
  if (UNNAMED.includes(type) && mediaTypes.includes(BINARY) && !beginsAsObject(body))
    return { inputs: new Media(BINARY, body), parameters: {} };
  return parseTaskRequest(parseUnnamedJson(type, body, mediaTypes));
}

function emptyBody(mediaTypes: readonly string[]): ApiError {
  const raw = mediaTypes.length > 0 ? `, or the input itself as ${mediaTypes.join(" or ")}` : "";
  return new ApiError("empty_body", `The body is empty: send {"inputs": ...} as JSON${raw}.`);
}

/** Whoever sends a file and forgets to say what it is gets to know that it must be said. */
function parseUnnamedJson(type: string, body: Uint8Array, mediaTypes: readonly string[]): unknown {
  try {
    return parseJson(body);
  } catch (error) {
    if (!(error instanceof ApiError) || /\bjson$/.test(type) || mediaTypes.length === 0)
      throw error;
    throw new ApiError(
      error.code,
      `${error.message} A body that is the input itself must say so in content-type: ${mediaTypes.join(" or ")}.`,
      { cause: error.cause },
    );
  }
}

/** Whether the first byte that is no white space of JSON is a brace. */
function beginsAsObject(body: Uint8Array): boolean {
  const first = body.find((byte) => ![0x20, 0x09, 0x0a, 0x0d].includes(byte));
  return first === undefined || first === 0x7b;
}

async function parseForm(contentType: string, body: Uint8Array): Promise<TaskRequest> {
  const form = await readForm(contentType, body);
  const unknown = [...form.keys()].filter((name) => !FORM_FIELDS.includes(name));
  if (unknown.length > 0)
    throw new ApiError(
      "invalid_request",
      `Unknown form field ${quoteAll(unknown)}: a form has "inputs", once or several times, and "parameters".`,
    );
  const values = await Promise.all(
    form
      .getAll("inputs")
      .map(async (value: string | File) =>
        typeof value === "string"
          ? value
          : new Media(value.type, new Uint8Array(await value.arrayBuffer())),
      ),
  );
  if (values.length === 0)
    throw new ApiError("invalid_request", 'The form has no field "inputs": send at least one.');
  const parameters = form.get("parameters");
  if (parameters !== null && typeof parameters !== "string")
    throw new ApiError("invalid_request", 'The form\'s "parameters" must be a text of JSON.');
  return parseTaskRequest({
    inputs: values.length === 1 ? values[0] : values,
    ...(parameters === null ? {} : { parameters: parseFormParameters(parameters) }),
  });
}

function parseFormParameters(text: string): unknown {
  return parseJson(new TextEncoder().encode(text), { place: 'The form field "parameters"' });
}

async function readForm(contentType: string, body: Uint8Array): Promise<FormData> {
  try {
    const headers = { "content-type": contentType };
    return await new Response(body as Uint8Array<ArrayBuffer>, { headers }).formData();
  } catch (cause) {
    throw new ApiError(
      "invalid_request",
      `The body is not the form that its content-type announces: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

function parseQuery(query: Readonly<Record<string, string>>): Record<string, unknown> {
  const entries = Object.entries(query).map(([name, text]) => [name, parseValue(text)]);
  return Object.fromEntries(entries);
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

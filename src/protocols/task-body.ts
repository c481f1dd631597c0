import { ApiError } from "../domain/errors.ts";
import { Media, mediaType } from "../domain/media.ts";
import { beginsAsJson, CSV_ALIASES, recognizeMedia } from "../domain/recognize-media.ts";
import type { TaskRequest } from "../domain/task.ts";
import { describe } from "../domain/tensor-json.ts";
import { parseExactJson } from "../shared/exact-json.ts";
import { quote, quoteAll } from "../shared/quote.ts";
import { parseJson } from "./json.ts";
import { checkJsonStructure } from "./json-structure.ts";
import { readForm } from "./read-form.ts";
import { parseTaskRequest } from "./task-request.ts";

/** Media types of bodies that are the input itself. Any other body is parsed as JSON. */
const RAW = /^(?:image|audio|video|text)\/|^application\/(?:octet-stream|pdf|zip)$/;
const FORM_FIELDS = ["inputs", "parameters"];
const MAX_QUERY_PARAMETERS = 100;

/**
 * Parses the body of a request to the task API: JSON, the input itself (an image, audio, a text, a table), or a form with
 * one or more inputs. Parameters may also be in the query, because a raw body has no other place for them; those of the
 * body take precedence.
 * @param contentType the header, empty if there is none
 * @param query by name; each value is JSON, or otherwise text
 * @param mediaTypes what the task accepts. Bytes that it accepts are the input itself, whatever their type; see
 *   {@link recognizeMedia}. Text is parsed as JSON where its type may be the default of a client: none, that of curl, and
 *   `text/plain` (`fetch` with a string) for a task that accepts no text, unless it is a table for a task that accepts one
 * @param generates whether the task generates its result step by step: `stream` in the query is then the field of that name,
 *   and otherwise a parameter
 * @throws ApiError `empty_body`, `invalid_json`, `invalid_request`
 */
export async function parseTaskBody(
  contentType: string,
  body: Uint8Array,
  query: Readonly<Record<string, string>>,
  mediaTypes: readonly string[],
  generates = false,
): Promise<TaskRequest> {
  const { parameters, ...request } = await parseBody(contentType, body, mediaTypes);
  const { stream, ...others } = parseQuery(query);
  const isParameter = !generates && stream !== undefined;
  const fromQuery = isParameter ? { ...others, stream } : others;
  return {
    ...(generates && stream !== undefined && { stream: parseStream(stream) }),
    ...request,
    parameters: { ...fromQuery, ...parameters },
  };
}

function parseStream(value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new ApiError(
    "invalid_request",
    `"stream" in the query must be true or false; got ${describe(value)}.`,
  );
}

async function parseBody(
  contentType: string,
  body: Uint8Array,
  mediaTypes: readonly string[],
): Promise<TaskRequest> {
  if (body.byteLength === 0) throw emptyBody(mediaTypes);
  const type = mediaType(contentType);
  if (type === "multipart/form-data") return parseForm(contentType, body, mediaTypes);
  const recognized = recognizeMedia(type, body, mediaTypes);
  const isUnnamedText = type === "text/plain" && !mediaTypes.includes(type);
  if ((RAW.test(type) && !isUnnamedText) || CSV_ALIASES.includes(type))
    return { inputs: new Media(recognized ?? type, body), parameters: {} };
  const mayBeJson = recognized === "text/plain" || /\bjson$/.test(type) || beginsAsJson(body);
  if (recognized && !mayBeJson) return { inputs: new Media(recognized, body), parameters: {} };
  return parseTaskRequest(parseUnnamedJson(type, body, mediaTypes));
}

function emptyBody(mediaTypes: readonly string[]): ApiError {
  const raw = mediaTypes.length > 0 ? `, or the input itself as ${mediaTypes.join(" or ")}` : "";
  return new ApiError("empty_body", `The body is empty: send {"inputs": ...} as JSON${raw}.`);
}

/** Parses JSON. The error says how to send the input itself, in case the client omitted its content type. */
function parseUnnamedJson(type: string, body: Uint8Array, mediaTypes: readonly string[]): unknown {
  try {
    return parseJson(body);
  } catch (error) {
    if (!(error instanceof ApiError) || /\bjson$/.test(type) || mediaTypes.length === 0)
      throw error;
    throw new ApiError(
      error.code,
      `${error.message} To send the input itself, set content-type to ${mediaTypes.join(" or ")}.`,
      { cause: error.cause },
    );
  }
}

async function parseForm(
  contentType: string,
  body: Uint8Array,
  mediaTypes: readonly string[],
): Promise<TaskRequest> {
  const form = await readForm(contentType, body);
  const unknown = [...form.keys()].filter((name) => !FORM_FIELDS.includes(name));
  if (unknown.length > 0)
    throw new ApiError(
      "invalid_request",
      `Unknown form field ${quoteAll(unknown)}: a form has one or more "inputs", and "parameters".`,
    );
  const values = await Promise.all(
    form
      .getAll("inputs")
      .map(async (value: string | File) =>
        typeof value === "string"
          ? value
          : toMedia(value.type, new Uint8Array(await value.arrayBuffer()), mediaTypes),
      ),
  );
  if (values.length === 0)
    throw new ApiError("invalid_request", 'The form has no field "inputs": send at least one.');
  const parameters = form.get("parameters");
  if (parameters !== null && typeof parameters !== "string")
    throw new ApiError(
      "invalid_request",
      'The form field "parameters" must be JSON text, not a file.',
    );
  return parseTaskRequest({
    inputs: values.length === 1 ? values[0] : values,
    ...(parameters === null ? {} : { parameters: parseFormParameters(parameters) }),
  });
}

function toMedia(contentType: string, bytes: Uint8Array, mediaTypes: readonly string[]): Media {
  const recognized = recognizeMedia(mediaType(contentType), bytes, mediaTypes);
  return new Media(recognized ?? contentType, bytes);
}

function parseFormParameters(text: string): unknown {
  return parseJson(new TextEncoder().encode(text), { label: 'The form field "parameters"' });
}

function parseQuery(query: Readonly<Record<string, string>>): Record<string, unknown> {
  const names = Object.keys(query);
  if (names.length > MAX_QUERY_PARAMETERS)
    throw new ApiError(
      "invalid_request",
      `The query has ${names.length} parameters, and at most ${MAX_QUERY_PARAMETERS} are accepted.`,
    );
  const entries = Object.entries(query).map(([name, text]) => [name, parseValue(name, text)]);
  return Object.fromEntries(entries);
}

/** JSON, or otherwise text. */
function parseValue(name: string, text: string): unknown {
  const bytes = new TextEncoder().encode(text);
  checkJsonStructure(bytes, `The query parameter ${quote(name)}`);
  try {
    return parseExactJson(text);
  } catch {
    return text;
  }
}

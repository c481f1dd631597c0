import type { OpenApiDocument, Operation } from "../../../src/protocols/openapi/openapi-types.ts";

/** A request with secrets somewhere, or none. */
export interface PlantedRequest {
  readonly operationId: string;
  /** What was planted where. */
  readonly planted: string;
  readonly path: string;
  readonly init: RequestInit & { readonly headers: Readonly<Record<string, string>> };
}

/** One operation of the document, with what a request that succeeds has. */
export interface PlantableOperation {
  readonly operationId: string;
  readonly method: string;
  /** With placeholders of parameters. */
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query?: string;
  /** JSON values, or bodies as they are sent. */
  readonly bodies: readonly Body[];
}

export type Body =
  | { readonly json: unknown }
  | { readonly raw: string | Buffer; readonly type: string };

/** What of an operation the document does not have. */
export type OperationRequest = Partial<Pick<PlantableOperation, "parameters" | "query" | "bodies">>;

/**
 * Every operation of the document, with its examples as bodies.
 * @param changes by operation, for those that need another request
 */
export function plantableOperations(
  document: OpenApiDocument,
  parameters: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, OperationRequest>>,
): PlantableOperation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const { operationId } = operation;
      const change = changes[operationId] ?? {};
      return {
        operationId,
        method: method.toUpperCase(),
        path,
        ...change,
        parameters: { ...parameters, ...change.parameters },
        bodies: change.bodies ?? examplesOf(operation),
      };
    }),
  );
}

function examplesOf({ requestBody }: Operation): Body[] {
  const examples = requestBody?.content["application/json"]?.examples ?? {};
  return Object.values(examples).map(({ value }) => ({ json: value }));
}

/** Whether the document says that the operation can succeed. */
export function canSucceed(document: OpenApiDocument, id: string): boolean {
  return Object.values(document.paths)
    .flatMap((methods) => Object.values(methods))
    .some(
      ({ operationId, responses }) =>
        operationId === id && Object.keys(responses).some((status) => status.startsWith("2")),
    );
}

/** Requests of the operation without anything planted, one for each of its bodies. */
export function plainRequests(
  operation: PlantableOperation,
  headers: Readonly<Record<string, string>>,
): PlantedRequest[] {
  const { operationId, method } = operation;
  const bodies: readonly (Body | undefined)[] =
    operation.bodies.length > 0 ? operation.bodies : [undefined];
  return bodies.map((body) => ({
    operationId,
    planted: "nothing",
    path: pathOf(operation),
    init: { method, ...withBody(headers, body) },
  }));
}

/** Headers whose values errors may quote. */
const QUOTED_HEADERS = [
  "x-timeout-ms",
  "x-sticky-key",
  "cache-control",
  "content-encoding",
  "if-none-match",
  "inference-header-content-length",
  "content-range",
  "repr-digest",
  "content-digest",
  "accept",
  "accept-encoding",
];

/**
 * Requests of the operation with a secret at each place where a client may put one.
 * @param headers of a request that succeeds
 * @param nextSecret a secret of the client, another one each time
 */
export function plantedRequests(
  operation: PlantableOperation,
  headers: Readonly<Record<string, string>>,
  nextSecret: () => string,
): PlantedRequest[] {
  const { operationId, method, parameters } = operation;
  const [body] = operation.bodies;
  const plant = (planted: string, change: Partial<PlantedRequest> = {}): PlantedRequest => ({
    operationId,
    planted,
    path: pathOf(operation),
    ...change,
    init: { method, ...withBody(headers, body), ...change.init },
  });
  const withHeader = (name: string, value: string): PlantedRequest =>
    plant(`header ${name}`, { init: { method, ...withBody({ ...headers, [name]: value }, body) } });
  const query = ["key", "api_key", "access_token", "Authorization"]
    .map((name) => `${name}=${encodeURIComponent(nextSecret())}`)
    .join("&");
  const requests = [
    plant("query", { path: `${pathOf(operation)}${operation.query ? "&" : "?"}${query}` }),
    plant("below the path", {
      path: `${pathOf({ ...operation, query: "" })}/${encodeURIComponent(nextSecret())}`,
    }),
    ...Object.keys(parameters)
      .filter((name) => operation.path.includes(`{${name}}`))
      .flatMap((name) =>
        [nextSecret(), `iris-logistic@${nextSecret()}`].map((secret) =>
          plant(`parameter ${name}`, {
            path: pathOf({ ...operation, parameters: { ...parameters, [name]: secret } }),
          }),
        ),
      ),
    ...["x-request-id", "x-request-id", "x-request-id", ...QUOTED_HEADERS].map((name) =>
      withHeader(name, headerText(nextSecret())),
    ),
    plant("another method", { init: { method: method === "PATCH" ? "PUT" : "PATCH", headers } }),
  ];
  if (method === "GET") return requests;
  return [
    ...requests,
    ...plantedBodies(body, nextSecret).map(([planted, other]) =>
      plant(`body: ${planted}`, { init: { method, ...withBody(headers, other) } }),
    ),
  ];
}

function plantedBodies(body: Body | undefined, nextSecret: () => string): [string, Body][] {
  const example = body && "json" in body ? (body.json as object) : { inputs: [1] };
  const json = (value: unknown): Body => ({ json: value });
  const raw = (text: string, type = "application/json"): Body => ({ raw: text, type });
  const texts = (value: unknown): unknown => {
    if (typeof value === "string") return nextSecret();
    if (Array.isArray(value)) return value.map(texts);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, texts(each)]));
  };
  return [
    ["an unknown field", json({ ...example, [nextSecret()]: nextSecret() })],
    ["the model", json({ ...example, model: nextSecret() })],
    ["the input", json({ ...example, inputs: nextSecret(), input: nextSecret() })],
    ["the parameters", json({ ...example, parameters: { [nextSecret()]: nextSecret() } })],
    ["every text", json(texts(example))],
    ["a text alone", json(nextSecret())],
    ["JSON that is cut off", raw(`{"model": "${nextSecret()}", "key": "${nextSecret()}`)],
    ["no JSON", raw(`${nextSecret()} is what I wanted`)],
    ["a text", raw(nextSecret(), "text/plain")],
    ["CSV", raw(`${nextSecret()},${nextSecret()}\n1,${nextSecret()}\n`, "text/csv")],
    ["no image", raw(nextSecret(), "image/png")],
    ["no recording", raw(nextSecret(), "audio/wav")],
    ["bytes", raw(nextSecret(), "application/octet-stream")],
    ["a media type", raw("{}", `application/${nextSecret().replaceAll(/[^\w.+-]/g, "-")}`)],
    ["a form", form({ [nextSecret()]: nextSecret(), model: nextSecret() }, nextSecret())],
  ];
}

/** `multipart/form-data` with fields and a file. */
export function form(
  fields: Readonly<Record<string, string>>,
  fileName: string,
  content: Uint8Array | string = "nothing",
  fileField = "file",
): Body {
  const boundary = "boundary-of-parts";
  const part = (disposition: string, value: Uint8Array | string): Buffer[] => [
    Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; ${disposition}\r\n\r\n`),
    Buffer.from(value as Uint8Array),
    Buffer.from("\r\n"),
  ];
  const parts = Object.entries(fields).flatMap(([name, value]) => part(`name="${name}"`, value));
  const file = part(`name="${fileField}"; filename="${fileName}"`, content);
  return {
    raw: Buffer.concat([...parts, ...file, Buffer.from(`--${boundary}--\r\n`)]),
    type: `multipart/form-data; boundary=${boundary}`,
  };
}

export function withBody(
  headers: Readonly<Record<string, string>>,
  body: Body | undefined,
): PlantedRequest["init"] {
  if (body === undefined) return { headers };
  if ("json" in body)
    return {
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body.json),
    };
  return {
    headers: { "content-type": body.type, ...headers },
    body: typeof body.raw === "string" ? body.raw : Uint8Array.from(body.raw),
  };
}

function pathOf({
  path,
  parameters,
  query,
}: Pick<PlantableOperation, "path" | "parameters" | "query">): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(parameters[name] ?? name),
  );
  return query ? `${filled}?${query}` : filled;
}

/** A header has one byte a character. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "");
}

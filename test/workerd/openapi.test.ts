import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ZodType } from "zod";
import packageJson from "../../package.json" with { type: "json" };
import { readModelFile } from "../../packages/cli/src/local/model-folder.ts";
import { createApp } from "../../src/app.ts";
import { parseConfig } from "../../src/config.ts";
import { ERROR_KINDS, type ErrorCode } from "../../src/domain/errors.ts";
import { createOpenApiDocument } from "../../src/protocols/openapi/document.ts";
import type { Operation, Schema } from "../../src/protocols/openapi/openapi-types.ts";
import { PROTOCOLS } from "../../src/protocols/registry.ts";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../support/administration.ts";
import { expectBrowserHeaders } from "../support/browser-headers.ts";
import {
  ENCRYPTION_KEY,
  encryptedObjects,
  publishEncrypted,
} from "../support/encrypted-service.ts";
import { poll } from "../support/poll.ts";
import { findModel } from "../support/publish.ts";
import type { TestResponse } from "../support/service.ts";
import { only } from "../support/test-app.ts";
import { uploadsOf } from "../support/uploads.ts";

/** The OpenAPI document, compared with the app's routes and the responses of the built Worker. */

const document = createOpenApiDocument(PROTOCOLS, packageJson.version, { publicPredict: true });
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

function operationOf(operationId: string): Operation {
  const found = operations.find(({ operation }) => operation.operationId === operationId);
  if (!found) throw new Error(`no operation ${operationId}`);
  return found.operation;
}

/** Tags of operations whose responses are no JSON. */
const PAGES = new Set(["Documentation", "Dashboard"]);

const LIMIT_BYTES = 100_000;

let service: AdministeredService;
/** Of an API key, for what a path of the document has in its place. */
let keyId: string;

beforeAll(async () => {
  service = await startAdministeredService({
    models: ["iris-logistic", "iris-kmeans", "diabetes-ridge", "sentence-embeddings", "pocket-gpt"],
    // The cache is for `cache-status` and 304, the key for the operation that encrypts.
    vars: {
      CACHE_TIERS: "isolate",
      MAX_BODY_BYTES: String(LIMIT_BYTES),
      ENCRYPTION_KEY,
      PRIVACY_KEY: ENCRYPTION_KEY,
    },
  });
  const key = { method: "POST", body: JSON.stringify({ name: "a", scopes: ["predict"] }) };
  keyId = ((await service.administer("/keys", key)).body as { id: string }).id;
  const webhook = JSON.stringify({ url: "https://example.com/alerts" });
  await service.administer("/alerts/webhooks/operators", { method: "PUT", body: webhook });
  const { folder } = findModel("iris-logistic");
  for (const part of ["profile", "background"])
    await service.administer(`/models/iris-logistic/versions/1/${part}`, {
      method: "PUT",
      body: readFileSync(join(folder, `${part}.json`)),
    });
  // Examples of feedback have its predictions.
  for (const [requestId, inputs] of [
    ["0199b1d2-4c1e-7d3a-9c53-2f1f0a6b7c8d", [5.1, 3.5, 1.4, 0.2]],
    [
      "order-17",
      [
        [6.7, 3.0, 5.2, 2.3],
        [5.1, 3.5, 1.4, 0.2],
      ],
    ],
  ] as const)
    await service.request("/models/iris-logistic/versions/1", {
      method: "POST",
      headers: { "content-type": "application/json", "x-request-id": requestId },
      body: JSON.stringify({ inputs }),
    });
  await poll("predictions of the examples", async () => {
    const body = JSON.stringify({ requestId: "order-17", truth: [null, "setosa"] });
    const { status } = await asAdmin("/models/iris-logistic/feedback", { method: "POST", body });
    return status === 200 || undefined;
  });
  // Examples of routing have two versions.
  await publishEncrypted(encryptedObjects(service.bucket), "iris-logistic", "2");
});

afterAll(() => service?.dispose());

describe("the document", () => {
  test("the document has the routes of the app, and no others", () => {
    const deps = only({ config: parseConfig({}), prefix: "" });
    const registered = createApp(deps)
      .routes.filter(({ method }) => method !== "ALL")
      .map(
        ({ method, path }) =>
          `${method} ${path
            .replace("{[\\s\\S]+}", "")
            .replace(/:(\w+)/g, "{$1}")
            .replace("/~", ":")}`,
      );
    const documented = operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    // Distinguished from `GET /v2/models/{model}` by its name, within the same route.
    const routes = new Set([...registered, "GET /v2/models/stats"]);
    expect(documented.toSorted()).toEqual([...routes].sort());
  });

  test("/openapi.json returns the created document", async () => {
    const { status, headers, body } = await service.request("/openapi.json");
    expect({ status, type: headers.get("content-type") }).toEqual({
      status: 200,
      type: "application/json",
    });
    expect(body).toEqual(JSON.parse(JSON.stringify(document)));
    expect(body).toMatchObject({ openapi: "3.1.0", info: { version: packageJson.version } });
  });

  test("the document is the same each time", () => {
    const again = createOpenApiDocument(PROTOCOLS, packageJson.version, { publicPredict: true });
    expect(JSON.stringify(again)).toBe(JSON.stringify(document));
  });

  test("references in the document can be resolved", () => {
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
    for (const [, path = ""] of references) {
      const target = path
        .split("/")
        .reduce<unknown>((parent, key) => (parent as Schema | undefined)?.[key], document);
      expect(target, path).toBeTypeOf("object");
    }
  });

  test("operation ids in the document are unique", () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("the document has every error at its status", () => {
    const documented = new Map<string, string>();
    for (const { operation } of operations)
      for (const [status, { content = {} }] of Object.entries(operation.responses))
        for (const code of Object.values(content).flatMap(({ schema }) => codesOf(schema)))
          documented.set(code, status);
    // Unknown paths are only in the document's description.
    // A client that has disconnected receives no error.
    const { route_not_found: _, client_closed_request: __, ...kinds } = ERROR_KINDS;
    expect(Object.fromEntries(documented)).toEqual(
      Object.fromEntries(Object.entries(kinds).map(([code, { status }]) => [code, String(status)])),
    );
    expect(document.info.description).toContain("route_not_found");
  });
});

describe("responses conform to the document", () => {
  const examples = operations.flatMap(({ path, method, operation }) => {
    const bodies = operation.requestBody?.content["application/json"]?.examples ?? {};
    return Object.entries(bodies).map(([name, { value }]) => {
      const { operationId } = operation;
      const expected = Number(Object.keys(operation.responses).find((status) => /^2/.test(status)));
      return { operationId, name, method, url: fill(path), value, expected };
    });
  });

  test.each(examples)(
    "$operationId, example $name",
    async ({ operationId, method, url, value, expected }) => {
      const init = { method: method.toUpperCase(), body: JSON.stringify(value) };
      const response = await asAdmin(url, init);
      expect(response.status).toBe(expected);
      expectDocumented(operationId, response);
    },
  );

  const reads = operations
    .filter(({ method, operation }) => method === "get" && !PAGES.has(operation.tags[0] ?? ""))
    .map(({ path, operation: { operationId, responses } }) => ({
      operationId,
      url: fill(path),
      // The document says of some routes only that they are not supported.
      expected: responses[200] ? 200 : 501,
    }));

  test.each(reads)(
    "the response of $operationId conforms to the document",
    async ({ operationId, url, expected }) => {
      const response = await asAdmin(url);
      expect(response.status).toBe(expected);
      expectDocumented(operationId, response);
    },
  );

  test.each([
    ["iris-kmeans", [5.1, 3.5, 1.4, 0.2]],
    ["iris-kmeans", [[5.1, 3.5, 1.4, 0.2]]],
    ["diabetes-ridge", [0.03, 0.05, 0.06, 0.02, -0.04, -0.03, -0.04, 0, 0.01, -0.01]],
  ])("the response of predict, %s of %j, conforms to the document", async (model, inputs) => {
    const response = await service.post(`/models/${model}`, { inputs });
    expect(response.status).toBe(200);
    expectDocumented("predict", response);
  });

  test("the response of infer with every output and an id conforms to the document", async () => {
    const inputs = [
      { name: "features", datatype: "FP32", shape: [2, 4], data: [..."12345678"].map(Number) },
    ];
    const response = await service.post("/v2/models/iris-logistic/infer", { id: "a", inputs });
    expect(response.status).toBe(200);
    expectDocumented("infer", response);
  });

  test("the responses of publishVersion and deleteVersion conform to the document", async () => {
    const bytes = new Uint8Array(readModelFile(findModel("iris-kmeans"), "model.onnx"));
    const published = await service.publish("documented", bytes);
    expect(published.status).toBe(201);
    expectDocumented("publishVersion", published);
    const again = await service.publish("documented", bytes);
    expect(again.status).toBe(409);
    expectDocumented("publishVersion", again);
    const inputs = [1, 2, 3, 4];
    expectDocumented("predict", await service.post("/models/documented", { inputs }), 501);
    const deleted = await service.administer("/models/documented/versions/1", { method: "DELETE" });
    expect(deleted.status).toBe(200);
    expectDocumented("deleteVersion", deleted);
  });

  test("the responses of uploads and their publication conform to the document", async () => {
    const uploads = uploadsOf(service, "documented-steps");
    const kmeans = readModelFile(findModel("iris-kmeans"), "model.onnx");
    expectDocumented("uploadFile", await uploads.send("model.onnx", kmeans), 201);
    expectDocumented("uploadFile", await uploads.sendPart("part.bin", kmeans, 0, 9), 201);
    expectDocumented("listUploads", await uploads.list(), 200);
    const prepared = await uploads.publish({ task: "clustering", dryRun: true });
    expectDocumented("publishUploads", prepared, 200);
    const wrong = await uploads.publish({ manifest: { format: "ort" } });
    expectDocumented("publishUploads", wrong, 400);
    const incomplete = await uploads.publish({ task: "clustering", file: "part.bin" });
    expectDocumented("publishUploads", incomplete, 409);
    expectDocumented("publishUploads", await uploads.publish({ task: "clustering" }), 201);
    const path = "/models/documented-steps/versions/2/files";
    const deleted = await service.administer(path, { method: "DELETE" });
    expectDocumented("deleteUploads", deleted, 200);
  });

  test("the 304 of predict conforms to the document", async () => {
    const body = JSON.stringify({ inputs: [1, 1, 1, 1] });
    const first = await service.request("/models/iris-logistic", { method: "POST", body });
    const headers = { "if-none-match": first.headers.get("etag") ?? "" };
    const second = await service.request("/models/iris-logistic", {
      method: "POST",
      body,
      headers,
    });
    expectDocumented("predict", second, 304);
  });
});

describe("errors conform to the document", () => {
  const json = JSON.stringify({ inputs: [1, 2, 3, 4] });
  const errors: [operationId: string, url: string, init: RequestInit, status: number][] = [
    ["predict", "/models/iris-logistic", post("{"), 400],
    ["predict", "/models/no-such-model", post(json), 404],
    ["predictOfVersion", "/models/iris-logistic/versions/9", post(json), 404],
    ["predict", "/models/iris-logistic", { method: "PATCH" }, 405],
    ["predict", "/models/iris-logistic", post(json, { "content-encoding": "br" }), 415],
    ["predict", "/models/iris-kmeans", post(json, { "cache-control": "only-if-cached" }), 504],
    ["infer", "/v2/models/iris-logistic/infer", post("{}"), 400],
    ["infer", "/v2/models/no-such-model/infer", post("{}"), 404],
    ["infer", "/v2/models/iris-logistic/infer", { method: "DELETE" }, 405],
    ["infer", "/v2/models/iris-logistic/infer", post("{}", { "content-encoding": "br" }), 415],
    ["infer", "/v2/models/iris-logistic/infer", post(" ".repeat(LIMIT_BYTES + 1)), 413],
    ["getModel", "/v2/models/no-such-model", {}, 404],
    ["createEmbeddings", "/v1/embeddings", post("{"), 400],
    ["createEmbeddings", "/v1/embeddings", post('{"model": "none", "input": "a"}'), 404],
    ["createEmbeddings", "/v1/embeddings", post('{"model": "iris-logistic", "input": "a"}'), 400],
    ["getOpenAiModel", "/v1/models/no-such-model", {}, 404],
    ["predictInstances", "/v1/models/iris-logistic:predict", post("{}"), 400],
    ["predictInstances", "/v1/models/no-such-model:predict", post("{}"), 404],
    ["predictInstances", "/v1/models/iris-logistic:predict", {}, 405],
    ["getVersionStatus", "/v1/models/iris-logistic/versions/9", {}, 404],
    ["getServingMetadata", "/v1/models/no-such-model/metadata", {}, 404],
    ["listOpenAiModels", "/v1/models", { method: "POST" }, 405],
    ["indexRepository", "/v2/repository/index", post("null"), 400],
    ["loadModel", "/v2/repository/models/iris-logistic/load", post(""), 401],
    ["listVersions", "/admin/models", {}, 401],
    ["getOpenApi", "/openapi.json", { method: "POST" }, 405],
    ["getDocs", "/docs", { method: "PUT" }, 405],
  ];

  test.each(errors)(
    "the error of %s conforms to the document: %s with %j, %i",
    async (operationId, url, init, status) => {
      expectDocumented(operationId, await service.request(url, init), status);
    },
  );
});

describe("every route", () => {
  const requests = operations.flatMap(({ path, method }) => {
    const url = fill(path);
    const others = ["OPTIONS", "PROPFIND", ...(method === "get" ? ["HEAD"] : [])];
    return [method.toUpperCase(), ...others].map((each): [string, string] => [each, url]);
  });

  test("responses and errors of all routes have the headers for browsers", async () => {
    const statuses = new Set<number>();
    const paths = [
      "/nothing",
      "/v1/nothing",
      "/v2/nothing",
      "/admin/nothing",
      "/docs",
      "/openapi.json",
    ];
    const unknown = paths.map((path): [string, string] => ["GET", path]);
    for (const [method, url] of [...requests, ...unknown]) {
      const { status, headers } = await service.request(url, { method });
      statuses.add(status);
      expectBrowserHeaders(headers);
      if (url.startsWith("/admin")) expect(headers.get("cache-control")).toBe("no-store");
    }
    expect([...statuses]).toEqual(expect.arrayContaining([200, 400, 401, 404, 405]));
  });

  test("markup in paths, queries and headers becomes no markup of a response", async () => {
    const markup = `<img src=x onerror="alert('1')">`;
    const headers = { accept: "text/html", referer: markup, "x-request-id": markup };
    const encoded = encodeURIComponent(markup);
    for (const [method, url] of requests.filter(([method]) => method !== "HEAD")) {
      const path = url.replace(/iris-logistic|production/g, encoded);
      for (const target of new Set([path, `${url}?${encoded}=${encoded}`])) {
        const response = await service.request(target, { method, headers });
        const type = response.headers.get("content-type");
        if (type?.startsWith("text/html")) expect(response.body).not.toContain("onerror");
        else
          expect(type ?? "application/json").toMatch(
            /^(?:application\/(?:problem\+)?json|text\/event-stream)$/,
          );
        expectBrowserHeaders(response.headers);
      }
    }
    for (const page of ["/", "/docs", `/%3Cimg%20src=x%20onerror=1%3E`]) {
      const { body } = await service.request(`${page}?${encoded}`, { headers });
      if (typeof body === "string") expect(body).not.toContain("onerror");
    }
  });
});

describe("/docs", () => {
  test("/docs is a page without external resources", async () => {
    const { status, headers, body } = await service.request("/docs");
    expect({ status, type: headers.get("content-type") }).toEqual({
      status: 200,
      type: "text/html; charset=utf-8",
    });
    const page = String(body);
    for (const { path, operation } of operations) {
      expect(page).toContain(`id="${operation.operationId}"`);
      expect(page).toContain(`<code>${path}</code>`);
    }
    for (const name of Object.keys(document.components.schemas))
      expect(page).toContain(`<pre id="${name}">`);
    expect(page).not.toMatch(/<script|<link|<img|<iframe|style=|\son\w+=|src=/i);
  });

  test("links in /docs have targets", async () => {
    const page = String((await service.request("/docs")).body);
    const ids = new Set([...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id));
    const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id);
    expect(targets.length).toBeGreaterThan(operations.length);
    expect(targets.filter((id) => !ids.has(id))).toEqual([]);
  });

  test("the content security policy of /docs allows only its own style", async () => {
    const { headers, body } = await service.request("/docs");
    const [, style = ""] = /<style>(.*?)<\/style>/s.exec(String(body)) ?? [];
    const digest = createHash("sha256").update(style).digest("base64");
    expect(headers.get("content-security-policy")).toBe(
      `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
  });

  test("/docs has example requests with the origin of the request", async () => {
    const page = String((await service.request("/docs")).body);
    const request = `curl -X POST ${service.origin}/models/iris-logistic \\\n  -d '{&quot;inputs&quot;`;
    expect(page).toContain(request);
  });

  test.each(["/docs/", "/openapi.json/"])("%s with a trailing slash works", async (path) => {
    expect(await service.request(path)).toMatchObject({ status: 200 });
    expect(await service.request(path, { method: "HEAD" })).toMatchObject({
      status: 200,
      body: "",
    });
  });
});

function fill(path: string): string {
  return path
    .replace("{model}", "iris-logistic")
    .replace("{version}", "1")
    .replace("{alias}", "production")
    .replace("{webhook}", "operators");
}

function post(body: string, headers: Record<string, string> = {}): RequestInit {
  return { method: "POST", body, headers };
}

/** With the admin key, which other routes ignore. */
function asAdmin(url: string, init: RequestInit = {}): Promise<TestResponse> {
  return service.request(url.replace("{key}", keyId), {
    ...init,
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
  });
}

/** Checks a response against the operation's status, headers, content type and schema. */
function expectDocumented(
  operationId: string,
  response: TestResponse,
  expectedStatus = response.status,
): void {
  expect(response.status).toBe(expectedStatus);
  expectBrowserHeaders(response.headers);
  const documented = operationOf(operationId).responses[expectedStatus];
  if (!documented) throw new Error(`${operationId} documents no ${expectedStatus}`);
  for (const name of Object.keys(documented.headers ?? {})) {
    const { required } = document.components.headers[name] ?? {};
    if (required) expect(response.headers.get(name), name).not.toBeNull();
  }
  const type = response.headers.get("content-type");
  if (!documented.content) {
    expect({ type, body: response.body }).toEqual({ type: null, body: "" });
    return;
  }
  const schema = documented.content[type ?? ""]?.schema;
  if (!schema) throw new Error(`${operationId} documents no ${type} for ${expectedStatus}`);
  if (type === "application/octet-stream") return;
  if (type?.startsWith("text/plain; version=0.0.4")) {
    expect(response.body).toMatch(/^(?:(?:# )?[A-Za-z_].*\n)+$/);
    return;
  }
  if (type === "text/event-stream") {
    expect(response.body).toMatch(/^(?:data: \{.*\}\n\n)+$/);
    return;
  }
  const [, name] = /"#\/components\/schemas\/(\w+)"/.exec(JSON.stringify(schema)) ?? [];
  responseSchema(name).parse(response.body);
  if (expectedStatus >= 400) {
    const { error, code } = response.body as { error?: { code?: ErrorCode }; code?: ErrorCode };
    expect(codesOf(schema)).toContain(code ?? error?.code);
  }
}

/** The schema by which a protocol documents its responses. */
function responseSchema(name = ""): ZodType {
  const schema = PROTOCOLS.map(({ schemas }) => schemas.responses[name]).find(Boolean);
  if (!schema) throw new Error(`no protocol has the schema ${name}`);
  return schema;
}

/** The error codes that a schema allows. */
function codesOf(schema: Schema): ErrorCode[] {
  return [...JSON.stringify(schema).matchAll(/"code":\{"enum":(\[.*?\])/g)].flatMap(
    ([, list = "[]"]) => JSON.parse(list) as ErrorCode[],
  );
}

import { ADMIN_ROUTES } from "../admin/openapi.ts";
import { DOCUMENTATION_ROUTES } from "../docs/openapi.ts";
import { INFERENCE_ROUTES } from "../oip/openapi.ts";
import { OPENAI_ROUTES } from "../openai/openapi.ts";
import { TASK_ROUTES } from "../task/openapi.ts";
import { HEADERS } from "./headers.ts";
import type { OpenApiDocument } from "./openapi-types.ts";
import { PARAMETERS } from "./parameters.ts";
import { ADMIN_KEY, CLIENT_KEY, TAGS, toOperation } from "./route.ts";
import { toSchemas } from "./schemas.ts";

const ROUTES = [
  ...TASK_ROUTES,
  ...INFERENCE_ROUTES,
  ...OPENAI_ROUTES,
  ...ADMIN_ROUTES,
  ...DOCUMENTATION_ROUTES,
];

/**
 * The description of every route. The same version gives the same document; making it takes a few
 * milliseconds, so keep it.
 * @param version of this program
 */
export function createOpenApiDocument(version: string): OpenApiDocument {
  const byPath = Map.groupBy(ROUTES, ({ path }) => path);
  return {
    openapi: "3.1.0",
    info: {
      title: "onnxflare",
      version,
      summary: "ONNX models, served from Cloudflare Workers.",
      description:
        "Every path works with and without a trailing slash, and `HEAD` where `GET` does. Errors have the same `code`s everywhere: under `/v2` as the Open Inference Protocol has them, under `/v1` as OpenAI, elsewhere as problem details (RFC 9457). A path that is not listed answers 404 `route_not_found`.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "The server that gave this document." }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: Object.fromEntries(
      [...byPath].map(([path, routes]) => [
        path,
        Object.fromEntries(routes.map((route) => [route.method, toOperation(route)])),
      ]),
    ),
    components: {
      schemas: toSchemas(),
      parameters: PARAMETERS,
      headers: HEADERS,
      securitySchemes: {
        [ADMIN_KEY]: {
          type: "http",
          scheme: "bearer",
          description: "The secret `ADMIN_KEY`. Without one these routes are closed.",
        },
        [CLIENT_KEY]: {
          type: "http",
          scheme: "bearer",
          description:
            "Any text that tells clients apart: a model whose manifest says `cache.scope` `key` answers each from a cache of its own.",
        },
      },
    },
  };
}

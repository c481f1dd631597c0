import * as z from "zod";
import { jsonValueSchema } from "../../domain/manifest.ts";
import { TAGS, toRoutes } from "../operation.ts";
import type { Protocol } from "../protocol.ts";
import { HEADERS } from "./headers.ts";
import type { OpenApiDocument, Schema } from "./openapi-types.ts";
import { PARAMETERS } from "./parameters.ts";
import { toPlainSchema } from "./plain-schema.ts";
import { toSchemaUri } from "./schema-reference.ts";
import { ADMIN_KEY, CLIENT_KEY, toOpenApiOperation } from "./to-operation.ts";

/**
 * Creates the OpenAPI document of every operation. It depends only on the arguments; creating it takes a few
 * milliseconds, so cache it.
 * @param version the version of onnxflare
 * @param prefix the path under which it is mounted
 */
export function createOpenApiDocument(
  protocols: readonly Protocol[],
  version: string,
  prefix = "",
): OpenApiDocument {
  const routes = protocols.flatMap((protocol) =>
    protocol.operations
      .flatMap((operation) => toRoutes(operation, protocol.basePath))
      .map((route) => ({ route, protocol })),
  );
  const byPath = Map.groupBy(routes, ({ route }) => route.path);
  return {
    openapi: "3.1.0",
    info: {
      title: "onnxflare",
      version,
      summary: "ONNX models, served from Cloudflare Workers.",
      description: `Every path accepts a trailing slash, and supports \`HEAD\` if it supports \`GET\`. Errors have the same \`code\`s everywhere; their form is that of the protocol: ${describeErrorForms(protocols)}. An optional field of a request may be \`null\`, which is the same as leaving it out. The response to an unknown path is 404 \`route_not_found\`.`,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: prefix || "/", description: "This server." }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths: Object.fromEntries(
      [...byPath].map(([path, ofPath]) => [
        path,
        Object.fromEntries(
          ofPath.map(({ route, protocol }) => [
            route.operation.method,
            toOpenApiOperation(route, protocol),
          ]),
        ),
      ]),
    ),
    components: {
      schemas: toSchemas(protocols),
      parameters: PARAMETERS,
      headers: HEADERS,
      securitySchemes: {
        [ADMIN_KEY]: {
          type: "http",
          scheme: "bearer",
          description: "The secret `ADMIN_KEY`. Without one these operations are disabled.",
        },
        [CLIENT_KEY]: {
          type: "http",
          scheme: "bearer",
          description:
            "Any text that identifies a client. A model whose manifest sets `cache.scope` to `key` has separate cache entries for each client.",
        },
      },
    },
  };
}

/** Without its recursion, which clients in several languages cannot compile. */
const ANY_JSON: Schema = { description: "Any JSON value." };

function describeErrorForms(protocols: readonly Protocol[]): string {
  return protocols
    .map(
      ({ basePath, errors }) =>
        `${basePath ? `under \`${basePath}\`` : "elsewhere"} ${errors.form}`,
    )
    .join(", ");
}

/** Every named schema as JSON Schema: requests as sent, responses as received. */
function toSchemas(protocols: readonly Protocol[]): Record<string, Schema> {
  const merge = (side: keyof Protocol["schemas"]): Record<string, z.ZodType> =>
    Object.assign({}, ...protocols.map(({ schemas }) => schemas[side]));
  return { ...convert(merge("requests"), "input"), ...convert(merge("responses"), "output") };
}

function convert(
  named: Readonly<Record<string, z.ZodType>>,
  io: "input" | "output",
): Record<string, Schema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1)))
    registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { io, uri: toSchemaUri });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [
      name,
      named[name] === jsonValueSchema ? ANY_JSON : toPlainSchema(schema),
    ]),
  );
}

import * as z from "zod";
import { API_KEY_PREFIX } from "../../domain/access/api-key.ts";
import { isPublicScope } from "../../domain/access/scope.ts";
import { jsonValueSchema } from "../../domain/manifest.ts";
import { TAGS, toRoutes } from "../operation.ts";
import type { Protocol } from "../protocol.ts";
import { HEADERS } from "./headers.ts";
import type { OpenApiDocument, Schema } from "./openapi-types.ts";
import { PARAMETERS } from "./parameters.ts";
import { toPlainSchema } from "./plain-schema.ts";
import { toSchemaUri } from "./schema-reference.ts";
import { BEARER, toOpenApiOperation } from "./to-operation.ts";

export interface DocumentOptions {
  /** The path under which the service is mounted. */
  readonly prefix?: string;
  /** Whether anybody may predict, and list and describe models. */
  readonly publicPredict?: boolean;
}

/**
 * Creates the OpenAPI document of every operation. It depends only on the arguments; creating it takes a few
 * milliseconds, so cache it.
 * @param version the version of onnxflare
 */
export function createOpenApiDocument(
  protocols: readonly Protocol[],
  version: string,
  { prefix = "", publicPredict = false }: DocumentOptions = {},
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
            toOpenApiOperation(
              route,
              protocol,
              publicPredict && !protocol.isAdmin && isPublicScope(route.operation.access),
            ),
          ]),
        ),
      ]),
    ),
    components: {
      schemas: toSchemas(protocols),
      parameters: PARAMETERS,
      headers: HEADERS,
      securitySchemes: {
        [BEARER]: {
          type: "http",
          scheme: "bearer",
          description: `An API key (\`${API_KEY_PREFIX}...\`) with the scope that the operation names and for the model that the request names, or the secret \`ADMIN_KEY\`, which permits everything. Where the setting \`PUBLIC_PREDICT\` is \`true\`, anybody may predict, and list and describe models; any other text in \`authorization\` then only identifies a client, whose cache entries of models with \`cache.scope\` \`key\` are separate.`,
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

import { respond } from "../../http/respond.ts";
import { sha256 } from "../../shared/sha256.ts";
import { createOpenApiDocument } from "../openapi/document.ts";
import type { OpenApiDocument } from "../openapi/openapi-types.ts";
import type { Operation } from "../operation.ts";
import { PROBLEM_ERRORS, PROBLEM_SCHEMAS, renderProblem } from "../problem-errors.ts";
import type { Protocol } from "../protocol.ts";
import { renderPage } from "./page.ts";
import { PAGE_STYLE } from "./page-style.ts";

/**
 * The OpenAPI document and its page.
 * @param documented the other protocols
 */
export function createDocsProtocol(documented: readonly Protocol[]): Protocol {
  const protocol: Protocol = {
    name: "docs",
    basePath: "",
    operations: createOperations(
      once((version: string) => createOpenApiDocument([...documented, protocol], version)),
    ),
    schemas: { requests: {}, responses: PROBLEM_SCHEMAS },
    renderError: renderProblem,
    errors: PROBLEM_ERRORS,
  };
  return protocol;
}

function createOperations(document: (version: string) => OpenApiDocument): readonly Operation[] {
  const json = once((version: string) => JSON.stringify(document(version)));
  const policy = once(contentSecurityPolicy);
  return [
    {
      id: "getOpenApi",
      kind: "documentation",
      method: "get",
      path: "/openapi.json",
      access: "public",
      tag: "Documentation",
      summary: "Get the OpenAPI document",
      responses: {
        200: {
          description: "The OpenAPI 3.1 document.",
          headers: ["content-encoding"],
          content: { "application/json": { schema: { type: "object" } } },
        },
      },
      handler:
        ({ serverVersion }) =>
        (c) =>
          respond(c, json(serverVersion)),
    },
    {
      id: "getDocs",
      kind: "documentation",
      method: "get",
      path: "/docs",
      access: "public",
      tag: "Documentation",
      summary: "Get the documentation page",
      responses: {
        200: {
          description: "HTML without scripts.",
          headers: ["content-encoding", "content-security-policy"],
          content: { "text/html": { schema: { type: "string" } } },
        },
      },
      handler:
        ({ serverVersion }) =>
        async (c) => {
          const headers = c.get("headers");
          headers["content-security-policy"] = await policy("");
          headers["x-content-type-options"] = "nosniff";
          headers["referrer-policy"] = "no-referrer";
          const page = renderPage(document(serverVersion), new URL(c.req.url).origin);
          return respond(c, page, { contentType: "text/html; charset=utf-8" });
        },
    },
  ];
}

/** Allows only the page's own style, by its digest. */
async function contentSecurityPolicy(): Promise<string> {
  const style = `'sha256-${(await sha256(PAGE_STYLE)).toBase64()}'`;
  return `default-src 'none'; style-src ${style}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

/** Caches the result of the first call. */
function once<T>(create: (argument: string) => T): (argument: string) => T {
  let cached: { readonly value: T } | undefined;
  return (argument) => {
    cached ??= { value: create(argument) };
    return cached.value;
  };
}

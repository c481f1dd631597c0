import type { Context } from "hono";
import { addVary } from "../../http/cache-headers.ts";
import type { AppEnv } from "../../http/context.ts";
import { respond } from "../../http/respond.ts";
import { toHex } from "../../shared/hex.ts";
import { latest, latestFulfilled } from "../../shared/latest.ts";
import { sha256 } from "../../shared/sha256.ts";
import { createOpenApiDocument } from "../openapi/document.ts";
import type { OpenApiDocument } from "../openapi/openapi-types.ts";
import type { Operation, OperationResponse } from "../operation.ts";
import { PROBLEM_ERRORS, PROBLEM_SCHEMAS, renderProblem } from "../problem-errors.ts";
import type { Protocol } from "../protocol.ts";
import { landingLinks, renderLandingJson, renderLandingPage } from "./landing.ts";
import { renderPage } from "./page.ts";
import { PAGE_STYLE } from "./page-style.ts";
import { GET_RECEIPT_KEYS, RECEIPT_SCHEMAS } from "./receipt-keys.ts";

const NOT_MODIFIED: OperationResponse = {
  description: "Not modified: the client has the current response.",
  headers: ["etag", "cache-control"],
};

const LANDING_FIELDS = ["name", "version", "status", ...Object.keys(landingLinks(""))];
const LANDING_SCHEMA = {
  type: "object",
  properties: Object.fromEntries(LANDING_FIELDS.map((name) => [name, { type: "string" }])),
  required: LANDING_FIELDS,
};

/**
 * The OpenAPI document and its page.
 * @param documented the other protocols
 */
export function createDocsProtocol(documented: readonly Protocol[]): Protocol {
  const protocol: Protocol = {
    name: "docs",
    basePath: "",
    operations: createOperations(
      latest((version: string, prefix: string, access: DocumentAccess) =>
        createOpenApiDocument([...documented, protocol], version, {
          prefix,
          publicPredict: access === "public",
        }),
      ),
    ),
    schemas: { requests: {}, responses: { ...PROBLEM_SCHEMAS, ...RECEIPT_SCHEMAS } },
    renderError: renderProblem,
    errors: PROBLEM_ERRORS,
  };
  return protocol;
}

function createOperations(
  document: (version: string, prefix: string, access: DocumentAccess) => OpenApiDocument,
): readonly Operation[] {
  const json = latestFulfilled(async (version: string, prefix: string, access: DocumentAccess) =>
    toPage(JSON.stringify(document(version, prefix, access))),
  );
  const page = latestFulfilled(
    async (version: string, origin: string, prefix: string, access: DocumentAccess) =>
      toPage(renderPage(document(version, prefix, access), origin)),
  );
  const landingPage = latestFulfilled(async (version: string, origin: string, prefix: string) =>
    toPage(renderLandingPage(version, origin, prefix)),
  );
  const landingJson = latestFulfilled(async (version: string, origin: string, prefix: string) =>
    toPage(renderLandingJson(version, `${origin}${prefix}`)),
  );
  const policy = latestFulfilled(contentSecurityPolicy);

  async function respondHtml(c: Context<AppEnv>, each: Promise<Page>): Promise<Response> {
    const headers = c.get("headers");
    headers["content-security-policy"] = await policy();
    return respondPage(c, await each, "text/html; charset=utf-8");
  }

  return [
    {
      id: "getLanding",
      kind: "documentation",
      method: "get",
      path: "/",
      access: "public",
      tag: "Documentation",
      summary: "Get links to the documentation",
      description: "A page for clients whose `accept` has `text/html`, else JSON.",
      parameters: ["if-none-match"],
      responses: {
        200: {
          description: "Links to the documentation, the models and the server's health.",
          headers: ["etag", "cache-control", "content-encoding"],
          content: {
            "application/json": { schema: LANDING_SCHEMA },
            "text/html": { schema: { type: "string" } },
          },
        },
        304: NOT_MODIFIED,
      },
      handler:
        ({ serverVersion, prefix }) =>
        async (c) => {
          const origin = originOf(c);
          addVary(c.get("headers"), "accept");
          if (/\btext\/html\b/i.test(c.req.header("accept") ?? ""))
            return respondHtml(c, landingPage(serverVersion, origin, prefix));
          return respondPage(
            c,
            await landingJson(serverVersion, origin, prefix),
            "application/json",
          );
        },
    },
    {
      id: "getOpenApi",
      kind: "documentation",
      method: "get",
      path: "/openapi.json",
      access: "public",
      tag: "Documentation",
      summary: "Get the OpenAPI document",
      parameters: ["if-none-match"],
      responses: {
        200: {
          description: "The OpenAPI 3.1 document.",
          headers: ["etag", "cache-control", "content-encoding"],
          content: { "application/json": { schema: { type: "object" } } },
        },
        304: NOT_MODIFIED,
      },
      handler:
        ({ serverVersion, prefix, config }) =>
        async (c) =>
          respondPage(c, await json(serverVersion, prefix, accessOf(config)), "application/json"),
    },
    {
      id: "getDocs",
      kind: "documentation",
      method: "get",
      path: "/docs",
      access: "public",
      tag: "Documentation",
      summary: "Get the documentation page",
      parameters: ["if-none-match"],
      responses: {
        200: {
          description: "HTML without scripts.",
          headers: ["etag", "cache-control", "content-encoding", "content-security-policy"],
          content: { "text/html": { schema: { type: "string" } } },
        },
        304: NOT_MODIFIED,
      },
      handler:
        ({ serverVersion, prefix, config }) =>
        (c) =>
          respondHtml(c, page(serverVersion, originOf(c), prefix, accessOf(config))),
    },
    GET_RECEIPT_KEYS,
  ];
}

const PLAIN_ORIGIN = /^https?:\/\/[a-z0-9.:[\]-]+$/;

/** The origin for example requests. A host with other characters than those of names is not shown, though it would be escaped. */
function originOf(c: Context<AppEnv>): string {
  const { origin } = new URL(c.req.url);
  return PLAIN_ORIGIN.test(origin) ? origin : "https://server.example";
}

/** Whether anybody may predict, or only clients with a key. */
type DocumentAccess = "public" | "keys";

function accessOf({ publicPredict }: { readonly publicPredict: boolean }): DocumentAccess {
  return publicPredict ? "public" : "keys";
}

/** A text, which changes only with the deployment. */
interface Page {
  readonly text: string;
  readonly etag: string;
}

/** With a weak entity tag, because responses may be compressed. */
async function toPage(text: string): Promise<Page> {
  return { text, etag: `W/"${toHex(await sha256(text)).slice(0, 32)}"` };
}

/** Clients store it, and ask with its entity tag whether it is current. */
function respondPage(c: Context<AppEnv>, { text, etag }: Page, contentType: string): Response {
  const headers = c.get("headers");
  headers.etag = etag;
  headers["cache-control"] = "no-cache";
  return respond(c, text, { contentType });
}

/** Allows only the page's own style, by its digest. */
async function contentSecurityPolicy(): Promise<string> {
  const style = `'sha256-${(await sha256(PAGE_STYLE)).toBase64()}'`;
  return `default-src 'none'; style-src ${style}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

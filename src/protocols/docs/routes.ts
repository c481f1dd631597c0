import { Hono } from "hono";
import type { AppEnv } from "../../http/context.ts";
import { methodNotAllowed } from "../../http/method-not-allowed.ts";
import { respond } from "../../http/respond.ts";
import { sha256 } from "../../shared/sha256.ts";
import { createOpenApiDocument } from "../openapi/document.ts";
import type { Services } from "../services.ts";
import { renderPage } from "./page.ts";
import { PAGE_STYLE } from "./page-style.ts";

/** The OpenAPI document, made on its first request and kept, and its page. */
export function documentationRoutes({ serverVersion }: Services): Hono<AppEnv> {
  const routes = new Hono<AppEnv>({ strict: false });
  const document = once(() => createOpenApiDocument(serverVersion));
  const json = once(() => JSON.stringify(document()));
  const policy = once(contentSecurityPolicy);
  routes
    .get("/openapi.json", (c) => respond(c, json()))
    .all("/openapi.json", methodNotAllowed("GET", "HEAD"))
    .get("/docs", async (c) => {
      const headers = c.get("headers");
      headers["content-security-policy"] = await policy();
      headers["x-content-type-options"] = "nosniff";
      headers["referrer-policy"] = "no-referrer";
      const page = renderPage(document(), new URL(c.req.url).origin);
      return respond(c, page, { contentType: "text/html; charset=utf-8" });
    })
    .all("/docs", methodNotAllowed("GET", "HEAD"));
  return routes;
}

/** Nothing but the page's own style, which is known by its digest. */
async function contentSecurityPolicy(): Promise<string> {
  const style = `'sha256-${(await sha256(PAGE_STYLE)).toBase64()}'`;
  return `default-src 'none'; style-src ${style}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

import { Html, html } from "../../shared/html.ts";
import { PAGE_STYLE } from "./page-style.ts";

/**
 * Where `GET /` points to, as absolute URLs.
 * @param base the origin, with the prefix
 */
export function landingLinks(base: string): Readonly<Record<string, string>> {
  return {
    docs: `${base}/docs`,
    openapi: `${base}/openapi.json`,
    models: `${base}/v2/models`,
    ready: `${base}/v2/health/ready`,
  };
}

/** {@link landingLinks} for clients that do not prefer HTML; KServe's v1 client reads `status`. */
export function renderLandingJson(version: string, base: string): string {
  return JSON.stringify({ name: "onnxflare", version, status: "alive", ...landingLinks(base) });
}

/** {@link landingLinks} as a page. */
export function renderLandingPage(version: string, origin: string, prefix: string): string {
  const base = `${origin}${prefix}`;
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>onnxflare ${version}</title>
<style>${new Html(PAGE_STYLE)}</style>
<h1>onnxflare <small>${version}</small></h1>
<p>ONNX models, served from Cloudflare Workers.</p>
<ul>
<li><a href="${prefix}/docs">${prefix}/docs</a>: every route, with examples
<li><a href="${prefix}/openapi.json">${prefix}/openapi.json</a>: the OpenAPI document
<li><a href="${prefix}/v2/models">${prefix}/v2/models</a>: the models of this server
<li><a href="${prefix}/v2/health/ready">${prefix}/v2/health/ready</a>: whether it is ready
<li><a href="${prefix}/dashboard">${prefix}/dashboard</a>: what the models do, with a key
</ul>
<p>List the models, and run one of them:</p>
<pre>curl ${base}/v2/models
curl -X POST ${base}/models/iris-logistic \\
  -d '{"inputs": [5.1, 3.5, 1.4, 0.2]}'</pre>
</html>
`.text;
}

import { Html, html, prose } from "../../shared/html.ts";
import type {
  MediaType,
  OpenApiDocument,
  Operation,
  Reference,
  RequestBody,
  Response,
} from "../openapi/openapi-types.ts";
import { BEARER } from "../openapi/to-operation.ts";
import { PAGE_STYLE } from "./page-style.ts";

interface PathOperation {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

/**
 * Renders the document as HTML, without scripts and external resources. A viewer from npm would be larger than the
 * Worker's own code, and needs scripts that create styles.
 * @param origin the origin of the URLs in the example requests, whose paths begin with the prefix of the document's server
 */
export function renderPage(document: OpenApiDocument, origin: string): string {
  const { info, tags, paths, components } = document;
  const prefix = prefixOf(document);
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]): PathOperation => ({ path, method, operation }),
    ),
  );
  const groups = tags.map((tag) => ({
    ...tag,
    operations: all.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title} ${info.version}</title>
<style>${new Html(PAGE_STYLE)}</style>
<h1>${info.title} <small>${info.version}</small></h1>
<p>${info.summary} OpenAPI document: <a href="${prefix}/openapi.json">${prefix}/openapi.json</a>.</p>
<p>${prose(info.description)}</p>
<nav>${groups.map((group) => html`<p>${group.name}</p><ul>${group.operations.map(renderLink)}</ul>`)}</nav>
${groups.map(
  ({ name, description, operations }) => html`
<h2>${name}</h2>
<p>${prose(description)}</p>
${operations.map((each) => renderOperation(each, document, origin))}`,
)}
<h2>Schemas</h2>
${Object.entries(components.schemas).map(
  ([name, schema]) => html`
<details><summary><code>${name}</code></summary><pre id="${name}">${linked(schema)}</pre></details>`,
)}
</html>
`.text;
}

/** The path of the server, as paths follow it. */
function prefixOf({ servers }: OpenApiDocument): string {
  return (servers[0]?.url ?? "").replace(/\/$/, "");
}

function renderLink({ path, method, operation }: PathOperation): Html {
  return html`<li><a href="#${operation.operationId}">${renderMethod(method)}<code>${path}</code></a></li>`;
}

function renderMethod(method: string): Html {
  return html`<b class="${method}">${method.toUpperCase()}</b>`;
}

function renderOperation(
  pathOperation: PathOperation,
  document: OpenApiDocument,
  origin: string,
): Html {
  const { path, method, operation } = pathOperation;
  const { operationId, summary, description, requestBody, responses } = operation;
  const entries = Object.entries(responses);
  const isError = ([status]: [string, Response]): boolean => Number(status) >= 400;
  return html`
<h3 id="${operationId}">${renderMethod(method)}<code>${path}</code></h3>
<p>${prose(summary.endsWith("?") ? summary : `${summary}.`)} ${description && prose(description)} ${renderAccess(operation)}</p>
<table>${operation.parameters.map((reference) => renderParameter(reference, document))}${requestBody && renderBody(requestBody)}${entries.filter((entry) => !isError(entry)).map(renderResponse)}</table>
${renderExample(pathOperation, document, origin)}
<details><summary>Errors</summary><table>${entries.filter(isError).map(renderResponse)}</table></details>`;
}

function renderAccess({ security }: Operation): Html | undefined {
  const scope = scopeIn(security);
  if (scope === undefined) return undefined;
  return html`Requires <code>authorization: Bearer &lt;key&gt;</code> with the scope <code>${scope}</code>.`;
}

/** The scope that a key must have; `undefined` where none is required. */
function scopeIn(security: Operation["security"]): string | undefined {
  if (security.some((scheme) => Object.keys(scheme).length === 0)) return undefined;
  return security.flatMap((scheme) => scheme[BEARER] ?? [])[0];
}

function renderParameter({ $ref }: Reference, { components }: OpenApiDocument): Html | undefined {
  const parameter = components.parameters[lastSegment($ref)];
  return (
    parameter && html`<tr><th><code>${parameter.name}</code><td>${prose(parameter.description)}`
  );
}

function renderBody({ description, required, content }: RequestBody): Html {
  const texts = [required ? [] : ["Optional."], description ?? []].flat();
  return html`<tr><th>body<td>${renderContent(content)} ${prose(texts.join(" "))}`;
}

function renderResponse([status, { description, content = {} }]: [string, Response]): Html {
  return html`<tr><th>${status}<td>${prose(description)} ${renderContent(content)}`;
}

function renderContent(content: Readonly<Record<string, MediaType>>): Html[] {
  return Object.entries(content).map(([type, { schema }]) => {
    const names = [...JSON.stringify(schema).matchAll(/"#\/components\/schemas\/(\w+)"/g)];
    const links = names.map(([, name]) => html`: <a href="#${name}">${name}</a>`);
    return html`<code>${type}</code>${links}. `;
  });
}

/** A request as a curl command, if the document has an example. */
function renderExample(
  pathOperation: PathOperation,
  document: OpenApiDocument,
  origin: string,
): Html | undefined {
  const { components } = document;
  const { path, method, operation } = pathOperation;
  const [example] = Object.values(
    operation.requestBody?.content["application/json"]?.examples ?? {},
  );
  if (!example) return undefined;
  const url = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    String(components.parameters[name]?.example),
  );
  const key = scopeIn(operation.security) === undefined ? "" : " -H 'authorization: Bearer ...'";
  return html`<pre>curl -X ${method.toUpperCase()} ${origin}${prefixOf(document)}${url}${key} \\
  -d '${JSON.stringify(example.value)}'</pre>`;
}

/** A schema as JSON, in which the names of others are links. */
function linked(schema: object): Html[] {
  return JSON.stringify(schema, null, 2)
    .split(/("#\/components\/schemas\/\w+")/)
    .map((part, index) =>
      index % 2 === 0
        ? html`${part}`
        : html`<a href="#${lastSegment(part.slice(1, -1))}">${part}</a>`,
    );
}

function lastSegment(reference: string): string {
  return reference.slice(reference.lastIndexOf("/") + 1);
}

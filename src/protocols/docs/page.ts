import type {
  MediaType,
  OpenApiDocument,
  Operation,
  Reference,
  RequestBody,
  Response,
} from "../openapi/openapi-types.ts";
import { Html, html, prose } from "./html.ts";
import { PAGE_STYLE } from "./page-style.ts";

interface Placed {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

/**
 * The document as a page: HTML without scripts and without anything from elsewhere. A viewer from npm
 * would be as large as the Worker's own code and more, and needs scripts that build their styles.
 * @param origin where the requests to try are sent
 */
export function renderPage(document: OpenApiDocument, origin: string): string {
  const { info, tags, paths, components } = document;
  const placed = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Placed => ({ path, method, operation })),
  );
  const groups = tags.map((tag) => ({
    ...tag,
    placed: placed.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title} ${info.version}</title>
<style>${new Html(PAGE_STYLE)}</style>
<h1>${info.title} <small>${info.version}</small></h1>
<p>${info.summary} For programs: <a href="/openapi.json">/openapi.json</a>.</p>
<p>${prose(info.description)}</p>
<nav>${groups.map((group) => html`<p>${group.name}</p><ul>${group.placed.map(renderLink)}</ul>`)}</nav>
${groups.map(
  ({ name, description, placed }) => html`
<h2>${name}</h2>
<p>${prose(description)}</p>
${placed.map((each) => renderOperation(each, document, origin))}`,
)}
<h2>Schemas</h2>
${Object.entries(components.schemas).map(
  ([name, schema]) => html`
<details><summary><code>${name}</code></summary><pre id="${name}">${linked(schema)}</pre></details>`,
)}
</html>
`.text;
}

function renderLink({ path, method, operation }: Placed): Html {
  return html`<li><a href="#${operation.operationId}">${renderMethod(method)}<code>${path}</code></a></li>`;
}

function renderMethod(method: string): Html {
  return html`<b class="${method}">${method.toUpperCase()}</b>`;
}

function renderOperation(placed: Placed, document: OpenApiDocument, origin: string): Html {
  const { path, method, operation } = placed;
  const { operationId, summary, description, requestBody, responses } = operation;
  const answers = Object.entries(responses);
  const isError = ([status]: [string, Response]): boolean => Number(status) >= 400;
  return html`
<h3 id="${operationId}">${renderMethod(method)}<code>${path}</code></h3>
<p>${prose(summary.endsWith("?") ? summary : `${summary}.`)} ${description && prose(description)} ${renderAccess(operation)}</p>
<table>${operation.parameters.map((reference) => renderParameter(reference, document))}${requestBody && renderBody(requestBody)}${answers.filter((answer) => !isError(answer)).map(renderResponse)}</table>
${renderExample(placed, document, origin)}
<details><summary>Errors</summary><table>${answers.filter(isError).map(renderResponse)}</table></details>`;
}

function renderAccess({ security }: Operation): Html | undefined {
  if (!security.some((scheme) => "adminKey" in scheme)) return undefined;
  return html`Needs <code>authorization: Bearer &lt;admin key&gt;</code>.`;
}

function renderParameter({ $ref }: Reference, { components }: OpenApiDocument): Html | undefined {
  const parameter = components.parameters[lastSegment($ref)];
  return (
    parameter && html`<tr><th><code>${parameter.name}</code><td>${prose(parameter.description)}`
  );
}

function renderBody({ description, required, content }: RequestBody): Html {
  const texts = [required ? [] : ["May be left out."], description ?? []].flat();
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

/** A request to try, where the document has an example. */
function renderExample(
  placed: Placed,
  { components }: OpenApiDocument,
  origin: string,
): Html | undefined {
  const { path, method, operation } = placed;
  const [example] = Object.values(
    operation.requestBody?.content["application/json"]?.examples ?? {},
  );
  if (!example) return undefined;
  const url = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    String(components.parameters[name]?.example),
  );
  const key = operation.security.some((scheme) => "adminKey" in scheme)
    ? " -H 'authorization: Bearer ...'"
    : "";
  return html`<pre>curl -X ${method.toUpperCase()} ${origin}${url}${key} \\
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

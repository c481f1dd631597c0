import type { Header, Reference } from "./openapi-types.ts";

const text = { type: "string" };
const count = { type: "integer", minimum: 0 };

/** Headers of responses, by name. */
export const HEADERS = {
  "x-request-id": {
    description: "The id of the request, also in its event and in errors.",
    required: true,
    schema: text,
  },
  "server-timing": {
    description: "Durations by phase in milliseconds (W3C Server Timing).",
    required: true,
    schema: text,
  },
  traceresponse: {
    description:
      "The trace and the span of the request (W3C Trace Context), for a request with a valid `traceparent`.",
    schema: { type: "string", pattern: "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$" },
  },
  "x-model-version": { description: "The version of the model.", required: true, schema: text },
  "x-model-alias": {
    description: "The alias that the request named; absent when it named none.",
    schema: text,
  },
  "cache-status": { description: "How the cache was used (RFC 9211).", schema: text },
  age: { description: "The age of a cached response in seconds.", schema: count },
  etag: {
    description: "The entity tag, for `if-none-match`, of a response that may be cached.",
    schema: text,
  },
  "cache-control": {
    description:
      "`no-cache`: to be stored, and used only if the entity tag is still current. `no-store`: the response has a secret.",
    required: true,
    schema: text,
  },
  "content-encoding": {
    description: "Responses of 1 KiB and more are compressed if `accept-encoding` allows it.",
    schema: { type: "string", enum: ["gzip", "deflate"] },
  },
  "inference-header-content-length": {
    description:
      "With binary tensor data: the length of the JSON in bytes, which the data follows.",
    schema: count,
  },
  "retry-after": {
    description: "Seconds after which the request is likely to be accepted.",
    required: true,
    schema: { type: "integer", minimum: 1 },
  },
  "ratelimit-policy": {
    description:
      'The budgets of the API key: `"requests-per-day";q=1000;w=86400` (draft-ietf-httpapi-ratelimit-headers-10). Absent for a client without budgets, as are all headers of this kind.',
    schema: text,
  },
  ratelimit: {
    description:
      'What is left of each budget, and in how many seconds it begins anew: `"requests-per-day";r=50;t=30`.',
    schema: text,
  },
  allow: { description: "The methods that the path supports.", required: true, schema: text },
  "www-authenticate": {
    description:
      "The authentication scheme, and what is wrong with the key (RFC 6750). Absent of a 403 that concerns a model.",
    schema: { type: "string", pattern: "^Bearer" },
  },
  location: {
    description: "The path of what was created, such as a version's metadata.",
    required: true,
    schema: { type: "string", format: "uri-reference" },
  },
  "set-cookie": {
    description: "The cookie of the session, or its end.",
    required: true,
    schema: text,
  },
  "content-security-policy": {
    description: "Allows only the page's own style and, for the dashboard, scripts of this server.",
    required: true,
    schema: text,
  },
} as const satisfies Record<string, Header>;

export type HeaderName = keyof typeof HEADERS;

export function headerReferences(...names: readonly HeaderName[]): Record<string, Reference> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

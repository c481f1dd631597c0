import type { ProtocolSchemas } from "../protocol.ts";
import type { MediaType, Reference } from "./openapi-types.ts";

export function toSchemaUri(name: string): string {
  return `#/components/schemas/${name}`;
}

export function schemaReference(name: string): Reference {
  return { $ref: toSchemaUri(name) };
}

type SchemaName<S extends ProtocolSchemas> = keyof S["requests"] | keyof S["responses"];

/** Returns a function that creates the content of a JSON body, of one of the protocol's named schemas. */
export function jsonContent<S extends ProtocolSchemas>(
  _schemas: S,
): (
  name: SchemaName<S> & string,
  examples?: MediaType["examples"],
) => Record<"application/json", MediaType> {
  return (name, examples) => {
    const schema = { ...schemaReference(name) };
    return { "application/json": examples ? { schema, examples } : { schema } };
  };
}

/** A stream of events: readers apply the schema of this media type to the stream, or to each event of it. */
export const EVENT_STREAM_CONTENT: Record<string, MediaType> = {
  "text/event-stream": { schema: { description: "Server-sent events, with JSON in `data`." } },
};

/** Bytes, which OpenAPI 3.1 describes by their media type alone. */
export const BINARY_SCHEMA = { type: "string", format: "binary" } as const;

export const BINARY_CONTENT: Record<string, MediaType> = {
  "application/octet-stream": { schema: BINARY_SCHEMA },
};

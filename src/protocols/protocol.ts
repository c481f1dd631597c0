import type { z } from "zod";
import type { ApiError } from "../domain/errors.ts";
import type { RenderedError } from "../http/rendered-error.ts";
import type { Schema } from "./openapi/openapi-types.ts";
import type { Operation } from "./operation.ts";

/** A protocol: its base path, operations, schemas and errors. */
export interface Protocol {
  readonly name: string;
  /** The prefix of its operations, and of the unknown paths whose errors it renders; empty for the root. */
  readonly basePath: string;
  /** Whether every path below the base path requires a key, including unknown ones, whatever anybody may do elsewhere. */
  readonly isAdmin?: boolean;
  readonly operations: readonly Operation[];
  readonly schemas: ProtocolSchemas;
  /** The path by which a path below the base path is routed, where Hono's router cannot match its form. */
  toRoutedPath?(path: string): string;
  renderError(error: ApiError, requestId: string): RenderedError;
  readonly errors: ErrorDocumentation;
}

/** Named schemas of a protocol in the OpenAPI document. */
export interface ProtocolSchemas {
  /** Schemas that validate requests. */
  readonly requests: Readonly<Record<string, z.ZodType>>;
  /** Schemas that describe responses. */
  readonly responses: Readonly<Record<string, z.ZodType>>;
}

/** How the OpenAPI document describes what {@link Protocol.renderError} writes. */
export interface ErrorDocumentation {
  /** For a sentence: `errors have the form of ...`. */
  readonly form: string;
  readonly contentType: string;
  /** The name of the schema in the protocol's `schemas.responses`. */
  readonly schema: string;
  /** Narrows the schema's `code` to those of an operation. */
  narrow(code: Schema): Schema;
}

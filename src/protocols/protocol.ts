import type { z } from "zod";
import type { ApiError } from "../domain/errors.ts";
import type { RenderedError } from "../http/rendered-error.ts";
import type { Schema } from "./openapi/openapi-types.ts";
import type { Operation } from "./operation.ts";

/** A protocol: where it is, what it offers, and how it writes errors. */
export interface Protocol {
  readonly name: string;
  /** Its operations and errors of unknown paths are below it; empty for the root. */
  readonly basePath: string;
  /** Whether every path below the base path needs the admin key, also paths that do not exist. */
  readonly isAdmin?: boolean;
  readonly operations: readonly Operation[];
  readonly schemas: ProtocolSchemas;
  renderError(error: ApiError, requestId: string): RenderedError;
  readonly errors: ErrorDocumentation;
}

/** Named schemas of a protocol in the OpenAPI document. */
export interface ProtocolSchemas {
  /** What requests are validated with. */
  readonly requests: Readonly<Record<string, z.ZodType>>;
  /** What responses conform to. */
  readonly responses: Readonly<Record<string, z.ZodType>>;
}

/** How the OpenAPI document describes what {@link Protocol.renderError} writes. */
export interface ErrorDocumentation {
  readonly contentType: string;
  /** The name of the schema in the protocol's `schemas.responses`. */
  readonly schema: string;
  /** Narrows the schema's `code` to those of an operation. */
  narrow(code: Schema): Schema;
}

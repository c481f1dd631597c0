import type { ExplainedVersion } from "../../explain/explained-version.ts";

/** An explanation that is drawn. */
export interface DrawnExplanation {
  readonly version: ExplainedVersion;
  /** Of the request. */
  readonly inputs: unknown;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The explanation, as it is in JSON. */
  readonly value: unknown;
}

export interface Drawing {
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** Of a page, which has styles of its own. */
  readonly contentSecurityPolicy?: string;
}

/** A form of explanations beside JSON. */
export interface ExplanationFormat {
  readonly mediaType: string;
  /** @throws ApiError `invalid_request` for an explanation that cannot be drawn so */
  draw(explanation: DrawnExplanation): Promise<Drawing>;
}

export const EXPLANATION_FORMATS: readonly ExplanationFormat[] = [];

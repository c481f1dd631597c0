import { usageError } from "../cli-error.ts";
import { formatReference, type Reference } from "../parse-arguments.ts";
import { type Input, parseJson } from "../predict/read-input.ts";
import type { ServerRequest } from "../server/server-client.ts";

export const FORMATS = ["json", "svg", "png", "html"] as const;
export type Format = (typeof FORMATS)[number];

const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  json: "application/json",
  svg: "image/svg+xml",
  png: "image/png",
  html: "text/html",
};

export interface ExplanationOptions {
  readonly method?: string | undefined;
  readonly space?: string | undefined;
  /** A label, the index of an output, or `all`. */
  readonly of?: string | undefined;
  /** JSON. */
  readonly parameters?: string | undefined;
  readonly dryRun?: boolean | undefined;
}

/** The request for an explanation. Options go before the fields of `--parameters` of the same name. */
export function toExplanation(
  reference: Reference,
  input: Input,
  options: ExplanationOptions,
  format: Format = "json",
): ServerRequest {
  const path = `/models/${formatReference(reference)}/explain`;
  const accept = { accept: MEDIA_TYPES[format] };
  const parameters = toParameters(options);
  if (input.kind === "file")
    return {
      method: "POST",
      path,
      query: toQuery(parameters),
      headers: { ...accept, "content-type": input.type },
      body: Buffer.from(input.bytes),
    };
  return {
    method: "POST",
    path,
    headers: { ...accept, "content-type": "application/json" },
    body: toBody(input, parameters),
  };
}

function toParameters({
  method,
  space,
  of,
  parameters,
  dryRun,
}: ExplanationOptions): Record<string, unknown> {
  const given: unknown = parameters === undefined ? {} : parseJson(parameters, "--parameters");
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw usageError(`--parameters must be a JSON object, such as '{"max_runs": 1000}'`);
  return {
    ...given,
    ...(method !== undefined && { method }),
    ...(space !== undefined && { space }),
    ...(of !== undefined && { output: /^\d+$/.test(of) ? Number(of) : of }),
    ...(dryRun && { dry_run: true }),
  };
}

/** JSON with `inputs` is the request; any other is its `inputs`, with the digits as they were written. */
function toBody(
  { text, value }: Input & { kind: "json" },
  parameters: Record<string, unknown>,
): string {
  const isWhole = typeof value === "object" && value !== null && "inputs" in value;
  const hasParameters = Object.keys(parameters).length > 0;
  if (isWhole && !hasParameters) return text;
  if (isWhole && "parameters" in value)
    throw usageError("the input has parameters, and the options give others");
  const fields = isWhole ? text.trim().slice(1, -1).trim() : `"inputs": ${text}`;
  return `{${fields}${hasParameters ? `, "parameters": ${JSON.stringify(parameters)}` : ""}}`;
}

function toQuery(parameters: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [
      name,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

import { HEADER_PARAMETERS } from "./header-parameters.ts";
import type { Parameter, Reference } from "./openapi-types.ts";
import { PATH_PARAMETERS } from "./path-parameters.ts";
import { QUERY_PARAMETERS } from "./query-parameters.ts";
import { REPORT_PARAMETERS } from "./report-parameters.ts";

/** Parameters of requests, by their names. */
export const PARAMETERS = {
  ...PATH_PARAMETERS,
  ...QUERY_PARAMETERS,
  ...REPORT_PARAMETERS,
  ...HEADER_PARAMETERS,
} as const satisfies Record<string, Parameter>;

export type ParameterName = keyof typeof PARAMETERS;

export function parameterReferences(names: readonly ParameterName[]): Reference[] {
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

import type { AuditQuery } from "../../domain/audit/audit-authority.ts";
import { ApiError } from "../../domain/errors.ts";
import { OPERATION_ID } from "../../domain/event.ts";
import { MODEL_NAME } from "../../domain/model-id.ts";
import { quote } from "../../shared/quote.ts";
import { parseCount } from "./parse-query.ts";

type Query = Readonly<Record<string, string>>;

const FIELDS = ["after", "before", "limit", "operation", "by", "model", "key", "requestId"];
const DEFAULT_LIMIT = 100;
const MAX_ENTRIES = 1000;
/** Labels of principals, ids of keys and of requests. */
const LABEL = /^[A-Za-z0-9._:-]{1,128}$/;

/**
 * Which entries of the audit log are read, by the parameters of the query.
 * @throws ApiError `invalid_request`
 */
export function parseAuditQuery(query: Query): AuditQuery {
  const unknown = Object.keys(query).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined)
    throw invalid(
      unknown,
      `${quote(unknown)} is no parameter: the parameters are ${FIELDS.join(", ")}.`,
    );
  const after = parseCount("after", query.after, 0, Number.MAX_SAFE_INTEGER);
  const before = parseCount("before", query.before, 1, Number.MAX_SAFE_INTEGER);
  if (after !== undefined && before !== undefined)
    throw invalid("after", `Send "after" or "before", but not both.`);
  return {
    after,
    before,
    limit: parseCount("limit", query.limit, 1, MAX_ENTRIES) ?? DEFAULT_LIMIT,
    operation: read(query, "operation", OPERATION_ID, "the id of an operation, such as setAlias"),
    by: read(query, "by", LABEL, "the label of a principal, such as key:1f0c2a9b"),
    model: read(query, "model", MODEL_NAME, "the name of a model"),
    key: read(query, "key", LABEL, "the id of a key"),
    requestId: read(query, "requestId", LABEL, "the id of a request"),
  };
}

function read(query: Query, name: string, pattern: RegExp, what: string): string | undefined {
  const value = query[name];
  if (value === undefined || pattern.test(value)) return value;
  throw invalid(name, `The query parameter "${name}" must be ${what}; got ${quote(value)}.`);
}

function invalid(field: string, message: string): ApiError {
  return new ApiError("invalid_request", message, { details: { field: field.slice(0, 80) } });
}

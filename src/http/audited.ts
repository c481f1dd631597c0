import type { Context, MiddlewareHandler } from "hono";
import { pick } from "../domain/audit/audit-bounds.ts";
import type { JsonObject } from "../domain/audit/audit-entry.ts";
import type { AuditRecorder, AuditSubject } from "../domain/audit/audit-recorder.ts";
import { settlesWithin } from "../shared/settles-within.ts";
import type { AppEnv } from "./context.ts";

/** What the audit log has of the requests of an operation. */
export interface AuditRule {
  /**
   * The fields of the body, which is JSON, and the parameters of the query that are recorded; no others are. None of them may have a
   * secret, or anything of a person.
   */
  readonly request?: readonly string[];
}

export interface AuditedOptions {
  readonly recorder: AuditRecorder;
  /** The id of the operation. */
  readonly operation: string;
  readonly rule: AuditRule;
  /** The label of whoever makes the request. */
  readonly labelOf: (c: Context<AppEnv>) => string | Promise<string>;
}

/** For the entry after the change. It is written also later; the response need not wait for an authority that is out of reach. */
const MAX_WAIT_MS = 3000;
/** Reading a larger body, whose handler reads it too, would keep others from their work. */
const MAX_READ_BYTES = 1024 * 1024;
/** No name of a field, so that it is always recorded. */
const LARGE_BODY = "(body)";
const DECODER = new TextDecoder();

/**
 * Records a change: an entry before it, without which it is not made, and another one after it, which the response waits for. The change
 * and its entry are completed also if the client disconnects.
 */
export function audited(options: AuditedOptions): MiddlewareHandler<AppEnv> {
  const { recorder } = options;
  return async function audited(c, next) {
    const change = await recorder.begin(await toSubject(c, options));
    const handled = next();
    const recorded = handled.then(() => change.end(c.get("change") ?? {}, c.error));
    c.executionCtx.waitUntil(recorded.catch(() => undefined));
    await handled;
    await settlesWithin(recorded, MAX_WAIT_MS);
  };
}

async function toSubject(
  c: Context<AppEnv>,
  { operation, rule, labelOf }: AuditedOptions,
): Promise<AuditSubject> {
  const target: Record<string, string> = c.req.param();
  const { actor, ...request } = pick(requestOf(c), [...(rule.request ?? []), LARGE_BODY]);
  return {
    operation,
    by: await labelOf(c),
    ...(typeof actor === "string" && { actor }),
    requestId: c.get("requestId"),
    ...(Object.keys(target).length > 0 && { target }),
    ...(Object.keys(request).length > 0 && { request }),
  };
}

/** The query, and the fields of the body; what is no JSON is refused by the handler, and has nothing to record. */
function requestOf(c: Context<AppEnv>): JsonObject {
  // Not set where the body is streamed.
  const body: Uint8Array | undefined = c.get("body");
  const query = c.req.query();
  if (!body?.byteLength) return query;
  if (body.byteLength > MAX_READ_BYTES)
    return { ...query, [LARGE_BODY]: `(${body.byteLength} bytes)` };
  try {
    const value: unknown = JSON.parse(DECODER.decode(body));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? { ...query, ...value } : query;
  } catch {
    return query;
  }
}

import { MODEL_PATTERN } from "../domain/access/model-pattern.ts";
import type { Principal } from "../domain/access/principal.ts";
import { SCOPES, type Scope } from "../domain/access/scope.ts";
import { workerId } from "../domain/access/worker-id.ts";
import { ApiError } from "../domain/errors.ts";
import { clip } from "../shared/quote.ts";
import { describeValue } from "./describe.ts";

/** The Worker that calls, as its binding describes it. */
export interface CallingWorker {
  readonly principal: Principal;
  /** For whom the call is made, by which splits choose a version; `undefined` for nobody in particular. */
  readonly clientKey: string | undefined;
  /** Whether the binding says what the Worker may do, also by `fetch`. */
  readonly hasScopes: boolean;
}

/** The binding is the permission to use models. */
const DEFAULT_SCOPES: ReadonlySet<Scope> = new Set([
  "predict",
  "explain",
  "feedback",
  "models:read",
]);

/**
 * For whom a call is made: the Worker that calls, as its binding names it, and whom that Worker names.
 * @param props `ctx.props` of the entrypoint
 * @throws ApiError `invalid_request` for props that the binding should not have
 */
export function readWorker(props: unknown, named?: string): CallingWorker {
  const { principal, scopes, models } = (props ?? {}) as Readonly<Record<string, unknown>>;
  if (principal !== undefined && (typeof principal !== "string" || principal === ""))
    throw wrongProps('a text as "principal"', principal);
  if (scopes !== undefined && !isListOf(scopes, isScope))
    throw wrongProps(`a list of ${SCOPES.join(", ")} as "scopes"`, scopes);
  if (models !== undefined && !isListOf(models, isPattern))
    throw wrongProps('a list of names of models, which may have *, as "models"', models);
  const clientKey = [principal, named].filter((each) => each !== undefined).join("\0") || undefined;
  return {
    clientKey,
    hasScopes: scopes !== undefined,
    principal: {
      kind: "worker",
      label: principal === undefined ? "worker" : `worker:${clip(principal)}`,
      id: async () => (clientKey === undefined ? "anonymous" : workerId(clientKey)),
      scopes: scopes ? new Set(scopes) : DEFAULT_SCOPES,
      models,
    },
  };
}

function isListOf<T>(value: unknown, is: (each: unknown) => each is T): value is readonly T[] {
  return Array.isArray(value) && value.every(is);
}

function isScope(value: unknown): value is Scope {
  return (SCOPES as readonly unknown[]).includes(value);
}

function isPattern(value: unknown): value is string {
  return typeof value === "string" && MODEL_PATTERN.test(value);
}

function wrongProps(expected: string, value: unknown): ApiError {
  return new ApiError(
    "invalid_request",
    `The props of the service binding must have ${expected}; got ${describeValue(value)}.`,
  );
}

import type { Context } from "hono";
import type { Authenticator, Presented, Requirement } from "../domain/access/authenticator.ts";
import {
  mayUse,
  requireAllModels,
  requireModel,
  requireScope,
} from "../domain/access/authorize.ts";
import type { Principal } from "../domain/access/principal.ts";
import { permits, type Scope } from "../domain/access/scope.ts";
import type { WaitUntil } from "../domain/call.ts";
import { clientAddress } from "./client-address.ts";
import type { AppEnv } from "./context.ts";

/**
 * Identifies the client of a request, and checks its scope.
 * @returns a promise only if it has to wait
 * @throws ApiError `unauthorized`, `forbidden`, `too_many_attempts`, `authority_unavailable`
 */
export function authenticate(
  c: Context<AppEnv>,
  authenticator: Authenticator,
  requirement: Requirement,
): undefined | Promise<void> {
  const { scope, allowsAnonymous } = requirement;
  const authorization = c.req.header("authorization");
  const worker = authorization === undefined ? callingWorker(c) : undefined;
  if (worker) return accept(c, worker, scope);
  const known = authenticator.recall(authorization);
  if (
    known &&
    scope !== undefined &&
    permits(known.scopes, scope) &&
    (allowsAnonymous || known.kind !== "anonymous")
  ) {
    c.set("principal", known);
    return undefined;
  }
  const presented = new ContextPresented(c, authorization);
  const identified = authenticator.identify(presented, requirement);
  if (!(identified instanceof Promise)) return accept(c, identified, scope);
  return identified.then((principal) => accept(c, principal, scope));
}

/** The execution context of a request that another Worker has sent over its binding, which says what the Worker may do. */
export interface WorkerContext {
  readonly callingWorker?: Principal | undefined;
}

function callingWorker(c: Context<AppEnv>): Principal | undefined {
  return (c.executionCtx as WorkerContext).callingWorker;
}

function accept(c: Context<AppEnv>, principal: Principal, scope: Scope | undefined): undefined {
  c.set("principal", principal);
  if (scope !== undefined) requireScope(principal, scope);
}

class ContextPresented implements Presented {
  readonly authorization: string | undefined;
  readonly #context: Context<AppEnv>;

  constructor(context: Context<AppEnv>, authorization: string | undefined) {
    this.#context = context;
    this.authorization = authorization;
  }

  get address(): string | undefined {
    return clientAddress(this.#context);
  }

  get requestId(): string {
    return this.#context.get("requestId");
  }

  header(name: string): string | undefined {
    return this.#context.req.header(name);
  }

  readonly waitUntil: WaitUntil = (work) => this.#context.executionCtx.waitUntil(work);
}

/** Whether the client may use a model of this name, whether there is one or not. */
export function mayUseModel(c: Context<AppEnv>, name: string): boolean {
  const principal = c.get("principal");
  return principal === undefined || mayUse(principal, name);
}

/** @throws ApiError `forbidden` */
export function authorizeModel(c: Context<AppEnv>, name: string): void {
  const principal = c.get("principal");
  if (principal) requireModel(principal, name);
}

/** @throws ApiError `forbidden` */
export function authorizeAllModels(c: Context<AppEnv>): void {
  const principal = c.get("principal");
  if (principal) requireAllModels(principal);
}

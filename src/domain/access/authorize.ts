import { quote } from "../../shared/quote.ts";
import { ApiError } from "../errors.ts";
import { matchesModel } from "./model-pattern.ts";
import type { Principal } from "./principal.ts";
import { permits, type Scope } from "./scope.ts";

/** @throws ApiError `forbidden` */
export function requireScope({ scopes }: Pick<Principal, "scopes">, scope: Scope): void {
  if (permits(scopes, scope)) return;
  throw new ApiError(
    "forbidden",
    `The key may not do this: it does not have the scope "${scope}".`,
    { details: { scope } },
  );
}

/** Whether the client may use a model of this name, whether there is one or not. */
export function mayUse({ models }: Pick<Principal, "models">, name: string): boolean {
  return models === undefined || matchesModel(models, name);
}

/**
 * To be called before anything tells whether the model exists.
 * @throws ApiError `forbidden`
 */
export function requireModel(principal: Pick<Principal, "models">, name: string): void {
  if (mayUse(principal, name)) return;
  throw new ApiError("forbidden", `The key may not use the model ${quote(name)}.`);
}

/**
 * For operations on everything there is, which are not for keys of single models.
 * @throws ApiError `forbidden`
 */
export function requireAllModels({ models }: Pick<Principal, "models">): void {
  if (models === undefined) return;
  throw new ApiError(
    "forbidden",
    "The key may not do this: it is for single models, and this concerns all of them.",
  );
}

import { quoteAll } from "../../shared/quote.ts";
import type { Grantor } from "./grantor.ts";
import type { KeyPolicy } from "./key-policy.ts";
import { matchesModel } from "./model-pattern.ts";

type Granted = Omit<KeyPolicy, "id" | "name">;

const BUDGETS = ["limits", "rate", "quota"] as const;

/**
 * What a key would permit that its grantor may not itself.
 * @returns a phrase such as `the scope "admin"`; `undefined` when there is nothing
 */
export function findExcess(grantor: Grantor, granted: Granted): string | undefined {
  return (
    excessOfScopes(grantor, granted) ??
    excessOfModels(grantor, granted) ??
    excessOfBudgets(grantor, granted)
  );
}

function excessOfScopes(grantor: Grantor, { scopes }: Granted): string | undefined {
  if (grantor.scopes.includes("admin")) return undefined;
  const missing = scopes.filter((scope) => !grantor.scopes.includes(scope));
  if (missing.length === 0) return undefined;
  return `the ${missing.length > 1 ? "scopes" : "scope"} ${quoteAll(missing)}`;
}

/** A pattern is within another one that matches it as a text: what its `*` stands for, a `*` of the other one matches. */
function excessOfModels({ models: own }: Grantor, { models }: Granted): string | undefined {
  if (own === undefined) return undefined;
  if (models === undefined) return `all models, where "models" is left out`;
  const beyond = models.filter((pattern) => !matchesModel(own, pattern));
  return beyond.length === 0 ? undefined : `the models ${quoteAll(beyond)}`;
}

function excessOfBudgets({ bounds: own }: Grantor, granted: Granted): string | undefined {
  if (own === undefined) return undefined;
  for (const budget of BUDGETS)
    for (const [name, most] of Object.entries(own[budget] ?? {}) as [
      string,
      number | undefined,
    ][]) {
      const given = (granted[budget] as Readonly<Record<string, number>> | undefined)?.[name];
      if (most !== undefined && (given ?? Number.POSITIVE_INFINITY) > most)
        return describe(`${budget}.${name}`, given, `at most ${most}`);
    }
  const { concurrency, expiresAt } = granted;
  if (own.concurrency !== undefined && (concurrency ?? Number.POSITIVE_INFINITY) > own.concurrency)
    return describe("concurrency", concurrency, `at most ${own.concurrency}`);
  if (own.expiresAt !== undefined && !(Date.parse(expiresAt ?? "") <= Date.parse(own.expiresAt)))
    return describe("expiresAt", expiresAt, `${own.expiresAt} at the latest`);
  return undefined;
}

function describe(field: string, given: number | string | undefined, allowed: string): string {
  return given === undefined
    ? `no "${field}", which is ${allowed}`
    : `"${field}" ${given}, which is ${allowed}`;
}

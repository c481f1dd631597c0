import { describe, expect, it } from "vitest";
import { findExcess } from "../../../../src/domain/access/excess.ts";
import type { Bounds, Grantor } from "../../../../src/domain/access/grantor.ts";
import type { Scope } from "../../../../src/domain/access/scope.ts";

interface Case {
  readonly by: Partial<Grantor>;
  readonly given: Bounds & { readonly scopes?: readonly Scope[]; readonly models?: string[] };
  readonly excess: string | undefined;
}

const bounds = (own: Bounds): Partial<Grantor> => ({ bounds: own });

const CASES: readonly Case[] = [
  { by: { scopes: ["admin"] }, given: { scopes: ["keys", "predict"] }, excess: undefined },
  { by: { scopes: ["keys", "predict"] }, given: { scopes: ["predict"] }, excess: undefined },
  { by: { scopes: ["keys"] }, given: { scopes: ["predict"] }, excess: 'the scope "predict"' },
  {
    by: { scopes: ["keys"] },
    given: { scopes: ["predict", "admin"] },
    excess: 'the scopes "predict", "admin"',
  },
  { by: { models: ["a*"] }, given: {}, excess: "all models" },
  { by: { models: ["a*"] }, given: { models: ["a*", "ab", "a*b"] }, excess: undefined },
  { by: { models: ["a*"] }, given: { models: ["a", "*a"] }, excess: 'the models "*a"' },
  { by: { models: ["a"] }, given: { models: ["a*"] }, excess: 'the models "a*"' },
  { by: { models: ["a*c"] }, given: { models: ["a*b*c"] }, excess: undefined },
  { by: { models: ["a*b*c"] }, given: { models: ["a*c"] }, excess: 'the models "a*c"' },
  { by: { models: ["*"] }, given: { models: ["*"] }, excess: undefined },
  { by: { models: ["x", "y*"] }, given: { models: ["y-1", "x"] }, excess: undefined },
  { by: bounds({}), given: { quota: { requestsPerDay: 9 } }, excess: undefined },
  { by: bounds({ quota: { requestsPerDay: 9 } }), given: {}, excess: 'no "quota.requestsPerDay"' },
  {
    by: bounds({ quota: { requestsPerDay: 9 } }),
    given: { quota: { tokensPerDay: 1 } },
    excess: 'no "quota.requestsPerDay"',
  },
  {
    by: bounds({ rate: { tokensPerMinute: 9 } }),
    given: { rate: { tokensPerMinute: 10 } },
    excess: '"rate.tokensPerMinute" 10, which is at most 9',
  },
  {
    by: bounds({ limits: { timeoutMs: 9 } }),
    given: { limits: { timeoutMs: 9, tokens: 5 } },
    excess: undefined,
  },
  { by: bounds({ concurrency: 2 }), given: { concurrency: 3 }, excess: '"concurrency" 3' },
  { by: bounds({ concurrency: 2 }), given: { concurrency: 2 }, excess: undefined },
  {
    by: bounds({ expiresAt: "2027-01-01T00:00:00Z" }),
    given: { expiresAt: "2027-01-01T01:00:00+01:00" },
    excess: undefined,
  },
  {
    by: bounds({ expiresAt: "2027-01-01T00:00:00Z" }),
    given: { expiresAt: "2027-01-01T00:00:00-01:00" },
    excess: '"expiresAt"',
  },
  { by: bounds({ expiresAt: "2027-01-01T00:00:00Z" }), given: {}, excess: 'no "expiresAt"' },
];

describe("findExcess", () => {
  it.each(CASES)("of $by giving $given is $excess", ({ by, given, excess }) => {
    const grantor: Grantor = { label: "a", scopes: ["admin"], ...by };
    const found = findExcess(grantor, { scopes: [], ...given });
    if (excess === undefined) expect(found).toBeUndefined();
    else expect(found).toContain(excess);
  });
});

import { describe, expect, test } from "vitest";
import {
  type Claims,
  parseClaimRules,
  valuesOfClaims,
} from "../../../../src/domain/access/claim-rules.ts";

const isWord = (text: string): boolean => /^[a-z:-]+$/.test(text);

function valuesOf(rules: string, claims: Claims): string[] {
  return [...valuesOfClaims(parseClaimRules(rules, isWord, "a word"), claims, isWord)].sort();
}

/** Claims as GitHub Actions, Keycloak, Microsoft Entra, Auth0 and Cloudflare Access have them. */
const CLAIMS: Claims = {
  sub: "alice",
  scope: "openid predict",
  scp: "read write",
  groups: ["ml-team", "fraud"],
  realm_access: { roles: ["viewer"] },
  "https://example.com/roles": ["editor"],
  repository: "acme/models",
  ref: "refs/heads/main",
  email: "alice@acme.example",
  email_verified: true,
  level: 3,
};

test.each<[string, string[]]>([
  ["* -> a", ["a"]],
  ["* -> a, b c", ["a", "b", "c"]],
  ["scope=predict -> a", ["a"]],
  ["scope=openid -> a; scope=nothing -> b", ["a"]],
  ["scope=openid predict -> a", []],
  ["scp=write -> a", ["a"]],
  ["groups=fraud -> a", ["a"]],
  ["groups=fra -> a", []],
  ["groups=FRAUD -> a", []],
  ["realm_access.roles=viewer -> a", ["a"]],
  ["https://example.com/roles=editor -> a", ["a"]],
  ["email_verified=true -> a", ["a"]],
  ["level=3 -> a", ["a"]],
  ["repository=acme/models & ref=refs/heads/main -> a", ["a"]],
  ["repository=acme/models & ref=refs/heads/other -> a", []],
  ["email=*@acme.example -> a", ["a"]],
  ["email=*@acme.example & email_verified=false -> a", []],
  ["email=*@example -> a", []],
  ["groups=* -> {*}", ["fraud", "ml-team"]],
  ["groups=*-team -> {*}", ["ml"]],
  ["ref=refs/heads/* -> {*}", ["main"]],
  // What a token says is no value by itself.
  ["repository=* -> {*}", []],
  ["email=* & email_verified=true -> {*}", []],
  ["groups=nobody -> a; otherwise -> b", ["b"]],
  ["groups=fraud -> a; otherwise -> b", ["a"]],
  ["otherwise -> b; groups=fraud -> a", ["a", "b"]],
  // A rule that adds nothing is none.
  ["repository=* -> {*}; otherwise -> b", ["b"]],
  ["* -> a\n\n groups=fraud -> b ;", ["a", "b"]],
  ["", []],
])("%j", (rules, expected) => {
  expect(valuesOf(rules, CLAIMS)).toEqual(expected);
});

describe("claims that are not what rules expect", () => {
  test.each<Claims>([
    {},
    { groups: null },
    { groups: { fraud: true } },
    { groups: [["fraud"], { name: "fraud" }, null] },
    { groups: "ml-team fraud" },
    { groups: "fraud,ml-team" },
    { Groups: "fraud" },
  ])("%j does not match", (claims) => {
    expect(valuesOf("groups=fraud -> a", claims)).toEqual([]);
  });

  test.each([
    "constructor.name=Object",
    "__proto__=*",
    "toString=*",
    "groups.length=2",
    "groups.0=a",
    "sub.length=5",
  ])("%s reads no property that is not a claim", (condition) => {
    expect(valuesOf(`${condition} -> a`, { groups: ["a", "b"], sub: "alice" })).toEqual([]);
  });
});

test.each([
  ["groups=fraud", 'must have one "->"'],
  ["a=b -> c -> d", 'must have one "->"'],
  ["groups=fraud ->", "must name a word"],
  ["groups=fraud -> A!", '"A!", which is not a word'],
  ["groups -> a", 'the condition "groups"'],
  ["=fraud -> a", 'the condition "=fraud"'],
  ["groups= -> a", 'the condition "groups="'],
  ["groups=*a* -> a", "the condition"],
  ["groups=fraud -> {*}", 'one condition with a "*"'],
  ["a=* & b=* -> {*}", 'one condition with a "*"'],
  ["* -> {*}", 'one condition with a "*"'],
])("the rule %j is refused", (rule, problem) => {
  expect(() => parseClaimRules(`* -> a; ${rule}`, isWord, "a word")).toThrow(problem);
});

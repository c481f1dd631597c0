import { quote } from "../../shared/quote.ts";

/**
 * Rules of what the claims of a token stand for, as settings have them: `groups=ml-team -> predict explain`. All rules that
 * match add their values; `otherwise` matches when these have added none.
 */
export interface ClaimRule {
  /** All of them must match; empty for every token. */
  readonly conditions: readonly Condition[];
  readonly isOtherwise: boolean;
  /** What the rule adds; {@link CAPTURED} is the text that the `*` in its condition stands for. */
  readonly values: readonly string[];
}

interface Condition {
  /** The name of a claim, or the path to one: `realm_access.roles`. */
  readonly claim: string;
  /** The text before and after a `*`; a text without one is compared whole. */
  readonly before: string;
  readonly after: string | undefined;
}

export type Claims = Readonly<Record<string, unknown>>;

const CAPTURED = "{*}";
const MAX_RULES = 200;
/** Of a claim with many values, and of characters of one that is split. */
const MAX_CLAIM_VALUES = 500;
const MAX_CLAIM_LENGTH = 8192;
/** Claims whose text is a list, separated by spaces (RFC 8693, section 4.2; `scp` is that of Microsoft Entra). */
const SPACE_SEPARATED = new Set(["scope", "scp"]);

/**
 * Rules are separated by semicolons or line breaks.
 * @param isValue whether a text is one of the values that rules may add
 * @param expected for the message: what such a value is
 * @throws Error that quotes the rule, and says what is wrong with it
 */
export function parseClaimRules(
  text: string,
  isValue: (value: string) => boolean,
  expected: string,
): readonly ClaimRule[] {
  const rules = text
    .split(/[;\n]/)
    .map((rule) => rule.trim())
    .filter((rule) => rule !== "");
  if (rules.length > MAX_RULES)
    throw new Error(`there are ${rules.length} rules: at most ${MAX_RULES}`);
  return rules.map((rule) => parseRule(rule, isValue, expected));
}

function parseRule(rule: string, isValue: (value: string) => boolean, expected: string): ClaimRule {
  const fail = (problem: string): never => {
    throw new Error(
      `the rule ${quote(rule)} ${problem}; a rule is "CLAIM=VALUE -> ...", "* -> ..." or "otherwise -> ..."`,
    );
  };
  const [left = "", right, ...others] = rule.split("->").map((part) => part.trim());
  if (right === undefined || others.length > 0) return fail('must have one "->"');
  const values = right.split(/[\s,]+/).filter((value) => value !== "");
  if (values.length === 0) fail(`must name ${expected} after "->"`);
  const conditions =
    left === "*" || left === "otherwise"
      ? []
      : left
          .split(/\s+&\s+/)
          .map(
            (condition) =>
              parseCondition(condition) ?? fail(`has the condition ${quote(condition)}`),
          );
  for (const value of values.filter((each) => each !== CAPTURED))
    if (!isValue(value)) fail(`has ${quote(value)}, which is not ${expected}`);
  const captures = conditions.filter(({ after }) => after !== undefined).length;
  if (values.includes(CAPTURED) && captures !== 1)
    fail(`has ${CAPTURED}, which needs one condition with a "*" in its value`);
  return { conditions, isOtherwise: left === "otherwise", values };
}

function parseCondition(text: string): Condition | undefined {
  const [, claim = "", value = ""] = /^([^=\s]+)=(\S.*)$/.exec(text) ?? [];
  const [before = "", after, ...others] = value.split("*");
  return claim === "" || others.length > 0 ? undefined : { claim, before, after };
}

/**
 * What the rules say of a token's claims. Values of `{*}` come from the token: those that are not valid are left out.
 * @param isValue as for {@link parseClaimRules}
 */
export function valuesOfClaims(
  rules: readonly ClaimRule[],
  claims: Claims,
  isValue: (value: string) => boolean,
): ReadonlySet<string> {
  const found = new Set<string>();
  for (const rule of rules) {
    if (rule.isOtherwise && found.size > 0) continue;
    const captured = matchAll(rule.conditions, claims);
    if (!captured) continue;
    for (const value of rule.values)
      for (const each of value === CAPTURED ? captured : [value])
        if (isValue(each)) found.add(each);
  }
  return found;
}

/** What the `*` of the conditions stands for; `undefined` unless all match. */
function matchAll(conditions: readonly Condition[], claims: Claims): string[] | undefined {
  const captured: string[] = [];
  for (const condition of conditions) {
    const matches = textsOf(claims, condition.claim).flatMap((text) => match(condition, text));
    if (matches.length === 0) return undefined;
    captured.push(...matches.filter((text) => text !== undefined));
  }
  return captured;
}

/** One element if the text matches: what the `*` stands for. */
function match({ before, after }: Condition, text: string): [captured: string | undefined] | [] {
  if (after === undefined) return text === before ? [undefined] : [];
  const matches =
    text.length >= before.length + after.length && text.startsWith(before) && text.endsWith(after);
  return matches ? [text.slice(before.length, text.length - after.length)] : [];
}

/** The values of a claim as texts: those of a list, and one of anything else but objects. */
function textsOf(claims: Claims, name: string): readonly string[] {
  const value = claimAt(claims, name);
  if (typeof value === "string" && SPACE_SEPARATED.has(name))
    return value.slice(0, MAX_CLAIM_LENGTH).split(" ").slice(0, MAX_CLAIM_VALUES);
  const values: readonly unknown[] = Array.isArray(value)
    ? value.slice(0, MAX_CLAIM_VALUES)
    : [value];
  return values.flatMap((each) =>
    typeof each === "string" || typeof each === "number" || typeof each === "boolean"
      ? [String(each)]
      : [],
  );
}

/** The claim of that name, which may have dots (`https://example.com/roles`), or else the one at that path. */
function claimAt(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let value: unknown = claims;
  for (const key of name.split(".")) {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isObject || !Object.hasOwn(value as object, key)) return undefined;
    value = (value as Claims)[key];
  }
  return value;
}

import { describe, expect, test } from "vitest";
import {
  heaviestVersion,
  parseHistoryPart,
  parseRouting,
  type Routing,
} from "../../../src/domain/routing.ts";
import { pin, routingAfter, splitOf } from "../../support/routings.ts";

const valid = routingAfter(pin("production", "1"), pin("production", "2"), pin("canary", "3"));

function changed(change: (document: Record<string, never>) => void): unknown {
  const document = structuredClone(valid) as unknown as Record<string, never>;
  change(document);
  return document;
}

/** What is wrong with a document that was changed. */
function problemOf(change: (document: Record<string, never>) => void): string {
  const parsed = parseRouting(changed(change));
  if ("problem" in parsed) return parsed.problem;
  throw new Error("the document is valid");
}

test("a valid document is parsed", () => {
  expect(parseRouting(structuredClone(valid))).toEqual(valid);
});

type Change = (document: Routing & Record<string, unknown>) => void;

describe("an invalid document", () => {
  test.each<[string, Change, string]>([
    ["another schema", (d) => Object.assign(d, { schemaVersion: 2 }), "schemaVersion"],
    ["an unknown field", (d) => Object.assign(d, { extra: 1 }), '"extra"'],
    [
      "an alias that is a version",
      (d) => Object.assign(d.aliases, { "3": d.aliases.canary }),
      "aliases.3",
    ],
    [
      "an alias that is reserved",
      (d) => Object.assign(d.aliases, { newest: d.aliases.canary }),
      "aliases.newest",
    ],
    [
      "an alias of other letters",
      (d) => Object.assign(d.aliases, { größe: d.aliases.canary }),
      "aliases.größe",
    ],
    [
      "a weight of zero",
      (d) => Object.assign(d.aliases.canary?.split[0] ?? {}, { weight: 0 }),
      "aliases.canary.split.0.weight",
    ],
    [
      "a weight that is no number",
      (d) => Object.assign(d.aliases.canary?.split[0] ?? {}, { weight: null }),
      "aliases.canary.split.0.weight",
    ],
    [
      "a huge weight",
      (d) => Object.assign(d.aliases.canary?.split[0] ?? {}, { weight: 1e300 }),
      "aliases.canary.split.0.weight",
    ],
    [
      "a version twice in a split",
      (d) => Object.assign(d.aliases.canary ?? {}, { split: twice }),
      "once",
    ],
    ["an empty split", (d) => Object.assign(d.aliases.canary ?? {}, { split: [] }), "split"],
    [
      "a sample over 1",
      (d) => Object.assign(d.aliases.canary ?? {}, { shadow: { version: "1", sample: 2 } }),
      "shadow.sample",
    ],
    ["a revision without its change", (d) => Object.assign(d, { revision: 4 }), "history"],
    ["a history with a gap", (d) => void (d.history as unknown[]).splice(1, 1), "history"],
    ["a history without its end", (d) => void (d.history as unknown[]).pop(), "history"],
  ])("with %s is refused, and its problem named", (_, change, problem) => {
    expect(problemOf(change as never)).toContain(problem);
  });

  test.each([null, [], "text", 1, {}])("%j is none", (value) => {
    expect(parseRouting(value)).toHaveProperty("problem");
  });
});

const twice = [
  { version: "1", weight: 1 },
  { version: "1", weight: 2 },
];

test("a history whose oldest entries were moved elsewhere is valid", () => {
  expect(parseRouting({ ...valid, history: valid.history.slice(1) })).toHaveProperty("revision", 3);
});

test("a part of a history is parsed, and refused if it is empty or has a gap", () => {
  expect(parseHistoryPart(structuredClone(valid.history))).toEqual(valid.history);
  expect(parseHistoryPart([])).toHaveProperty("problem");
  expect(parseHistoryPart([valid.history[0], valid.history[2]])).toHaveProperty("problem");
  expect(parseHistoryPart(undefined)).toHaveProperty("problem");
});

test("the heaviest version of a split is the one with the largest weight, and the newest of several", () => {
  expect(heaviestVersion(splitOf({ 1: 10, 2: 90, 3: 5 }))).toBe("2");
  expect(heaviestVersion(splitOf({ 9: 5, 10: 5, 1: 5 }))).toBe("10");
});

import { describe, expect, test } from "vitest";
import {
  type CaseResult,
  findStale,
  markKnown,
  toDifference,
} from "../../../conformance/differences.ts";
import type { KnownDifference } from "../../../conformance/known-differences.ts";
import type { EngineResult, Outcome } from "../../../conformance/outcome.ts";

const passed: Outcome = { passed: true };
const wrong: Outcome = { passed: false, reason: "wrong_output", detail: "far off" };
const refused: Outcome & EngineResult = {
  passed: false,
  reason: "model_refused",
  detail: "no Adam",
};
const crashed: Outcome & EngineResult = { passed: false, reason: "crashed", detail: "trap" };
const gives = (value: number): EngineResult => ({
  outputs: [[{ name: "y", datatype: "UINT8", shape: [1], data: Uint8Array.of(value) }]],
});

describe("a case", () => {
  test.each<[what: string, worker: Outcome, baseline: Outcome, results: EngineResult[]]>([
    ["passes on both sides", passed, passed, [gives(1), gives(1)]],
    ["fails alike on both sides", wrong, wrong, [gives(2), gives(2)]],
    ["is refused on both sides", refused, refused, [refused, refused]],
    ["crashes on both sides", crashed, crashed, [crashed, crashed]],
    ["is refused where the baseline crashes", refused, crashed, [refused, crashed]],
  ])("that %s is no difference", (_, worker, baseline, [a, b]) => {
    const results = { worker: a as EngineResult, baseline: b as EngineResult };
    expect(toDifference({ worker, baseline }, results, undefined)).toBeUndefined();
  });

  test.each<
    [
      kind: string,
      worker: Outcome,
      baseline: Outcome,
      results: EngineResult[],
      healthProblem?: string,
    ]
  >([
    ["worker_fails", refused, passed, [refused, gives(1)]],
    ["worker_passes", passed, wrong, [gives(1), gives(2)]],
    ["other_values", passed, passed, [gives(1), gives(2)]],
    ["other_reason", crashed, refused, [crashed, refused]],
    ["worker_unhealthy", passed, passed, [gives(1), gives(1)], "label is 2 instead of 1"],
  ])("can be different: %s", (kind, worker, baseline, [a, b], healthProblem) => {
    const results = { worker: a as EngineResult, baseline: b as EngineResult };
    expect(toDifference({ worker, baseline }, results, healthProblem)?.kind).toBe(kind);
  });
});

describe("the list of known differences", () => {
  const known: KnownDifference[] = [
    { name: "test_a", kinds: ["worker_fails"], why: "a reason", always: true },
  ];
  const result = (name: string, difference: CaseResult["difference"]): CaseResult => ({
    name,
    worker: wrong,
    baseline: passed,
    difference,
  });

  test("explains a difference by case and kind, in whatever folder the case lies", () => {
    const results = markKnown(
      [
        result("node/test_a", { kind: "worker_fails", detail: "" }),
        result("test_a", { kind: "worker_unhealthy", detail: "" }),
        result("test_ab", { kind: "worker_fails", detail: "" }),
      ],
      known,
    );
    expect(results.map(({ difference }) => difference?.why)).toEqual([
      "a reason",
      undefined,
      undefined,
    ]);
  });

  test("is stale where a case ran without its difference", () => {
    expect(findStale([result("test_a", undefined)], known)).toEqual(known);
    expect(findStale([result("test_a", { kind: "worker_fails", detail: "" })], known)).toEqual([]);
    expect(findStale([result("test_b", undefined)], known)).toEqual([]);
    const sometimes = known.map((entry) => ({ ...entry, always: false }));
    expect(findStale([result("test_a", undefined)], sometimes)).toEqual([]);
  });
});

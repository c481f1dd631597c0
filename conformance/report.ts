import { type CaseResult, DIFFERENCE_KINDS, type DifferenceKind } from "./differences.ts";
import type { KnownDifference } from "./known-differences.ts";
import { type Outcome, REASONS, type Reason } from "./outcome.ts";

/** Numbers of passed and failed cases on one side. */
export interface Counts {
  readonly passed: number;
  readonly failed: Readonly<Partial<Record<Reason, number>>>;
}

export function count(outcomes: readonly Outcome[]): Counts {
  const failed: Partial<Record<Reason, number>> = {};
  for (const { reason } of outcomes) if (reason) failed[reason] = (failed[reason] ?? 0) + 1;
  return { passed: outcomes.filter(({ passed }) => passed).length, failed };
}

/** A table of both sides, and every difference with its reason. */
export function formatReport(
  results: readonly CaseResult[],
  stale: readonly KnownDifference[],
): string {
  const worker = count(results.map((result) => result.worker));
  const baseline = count(results.map((result) => result.baseline));
  const reasons = (Object.keys(REASONS) as Reason[]).filter(
    (reason) => worker.failed[reason] || baseline.failed[reason],
  );
  const rows = [
    ["", "Worker", "ONNX Runtime Web"],
    ["passed", worker.passed, baseline.passed],
    ["failed", results.length - worker.passed, results.length - baseline.passed],
    ...reasons.map((reason) => [
      `  ${REASONS[reason]}`,
      worker.failed[reason] ?? 0,
      baseline.failed[reason] ?? 0,
    ]),
    ["total", results.length, results.length],
  ];
  const lines = rows.map(([name, ...numbers]) =>
    [String(name).padEnd(60), ...numbers.map((n) => String(n).padStart(18))].join("").trimEnd(),
  );
  const different = results.filter(({ difference }) => difference);
  return [
    ...lines,
    "",
    `${different.length} differences, ${different.filter(isUnexplained).length} of them unexplained`,
    ...(Object.keys(DIFFERENCE_KINDS) as DifferenceKind[]).flatMap((kind) =>
      formatKind(
        kind,
        different.filter(({ difference }) => difference?.kind === kind),
      ),
    ),
    ...stale.map(
      ({ name }) =>
        `${name} no longer has its known difference: remove it from known-differences.ts`,
    ),
  ].join("\n");
}

export function isUnexplained({ difference }: CaseResult): boolean {
  return difference !== undefined && difference.why === undefined;
}

export function formatDifference({ name, difference }: CaseResult): string {
  const { detail = "", why } = difference ?? {};
  return `${name}: ${detail}${why === undefined ? "" : ` (known: ${why})`}`;
}

function formatKind(kind: DifferenceKind, results: readonly CaseResult[]): string[] {
  if (results.length === 0) return [];
  return [
    `${DIFFERENCE_KINDS[kind]}:`,
    ...results.map((result) => `  ${formatDifference(result)}`),
  ];
}

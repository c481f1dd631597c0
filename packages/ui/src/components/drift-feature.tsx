import type {
  DriftTest,
  FeatureDrift,
  FeatureState,
} from "../../../../src/domain/monitoring/drift-report.ts";
import type { ReferenceFeature } from "../../../../src/domain/monitoring/reference-profile.ts";
import { formatNumber, formatPercent } from "../format.ts";
import { type Bar, Bars } from "./bars.tsx";

const STATUS_TEXTS: Record<FeatureState["status"], string> = {
  insufficient: "too few rows",
  none: "no drift",
  suspected: "suspected",
  drift: "drift",
};

const TEST_NAMES: Record<DriftTest, string> = {
  psi: "PSI",
  ks: "KS",
  rank_sum: "Rank sum",
  mean: "Mean",
};

interface DriftFeatureProps {
  readonly drift: FeatureDrift;
  readonly status: FeatureState["status"];
  readonly reference: ReferenceFeature | undefined;
}

/** An input or output of a window: its histogram over that of the reference, and what the tests say. */
export function DriftFeature({ drift, status, reference }: DriftFeatureProps) {
  const { feature, side, effect, shift, tests, adjustedPValue, missing, rows } = drift;
  return (
    <article class={`card feature ${status}`}>
      <h3>
        {feature} <small>{side}</small>
      </h3>
      <span class={`badge ${status}`}>{STATUS_TEXTS[status]}</span>
      {reference && (
        <Bars
          title={`Distribution of ${feature}`}
          bars={barsOf(drift.counts, reference)}
          format={formatPercent}
        />
      )}
      <dl class="facts">
        <div>
          <dt>Effect</dt>
          <dd>{formatNumber(effect)} deviations</dd>
        </div>
        {shift !== undefined && (
          <div>
            <dt>Shift</dt>
            <dd>{formatNumber(shift)}</dd>
          </div>
        )}
        {tests.map(({ test, value, threshold }) => (
          <div key={test}>
            <dt>{TEST_NAMES[test]}</dt>
            <dd class={value > threshold ? "bad" : ""}>
              {formatNumber(value)} <small>of {formatNumber(threshold)}</small>
            </dd>
          </div>
        ))}
        <div>
          <dt>p, adjusted</dt>
          <dd>{formatNumber(adjustedPValue)}</dd>
        </div>
        {missing > 0 && (
          <div>
            <dt>Missing</dt>
            <dd>{formatPercent(missing / (rows + missing))}</dd>
          </div>
        )}
      </dl>
    </article>
  );
}

/** Shares of the bins, of what was observed and of the reference. */
export function barsOf(counts: readonly number[], reference: ReferenceFeature): Bar[] {
  const total = sumOf(counts);
  const ofReference = sumOf(reference.counts);
  return reference.counts.map((count, index) => ({
    label: labelOf(reference, index),
    observed: total > 0 ? (counts[index] ?? 0) / total : 0,
    reference: ofReference > 0 ? count / ofReference : 0,
  }));
}

function labelOf(reference: ReferenceFeature, index: number): string {
  if (reference.kind === "category") return reference.categories[index] ?? "other";
  const { edges } = reference;
  const [below, above] = [edges[index - 1], edges[index]];
  if (below === undefined) return above === undefined ? "all" : `≤ ${formatNumber(above)}`;
  return above === undefined
    ? `> ${formatNumber(below)}`
    : `${formatNumber(below)} to ${formatNumber(above)}`;
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

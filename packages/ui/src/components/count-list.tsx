import { formatCount } from "../format.ts";

interface CountListProps {
  readonly title: string;
  readonly counts: readonly (readonly [label: string, count: number])[];
  /** Without it, a list without counts is left out. */
  readonly emptyText?: string;
}

const MAX_SHOWN = 8;

/** The most frequent labels, with bars. */
export function CountList({ title, counts, emptyText }: CountListProps) {
  if (counts.length === 0 && emptyText === undefined) return null;
  const sorted = counts.toSorted(([, one], [, two]) => two - one);
  const highest = sorted[0]?.[1] ?? 1;
  const others = sorted.slice(MAX_SHOWN).reduce((sum, [, count]) => sum + count, 0);
  return (
    <section class="card counts">
      <h2>{title}</h2>
      {counts.length === 0 && <p class="muted">{emptyText}</p>}
      <dl>
        {sorted.slice(0, MAX_SHOWN).map(([label, count]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{formatCount(count)}</dd>
            <meter min={0} max={highest} value={count} aria-hidden="true" />
          </div>
        ))}
        {others > 0 && (
          <div>
            <dt class="muted">others</dt>
            <dd>{formatCount(others)}</dd>
          </div>
        )}
      </dl>
    </section>
  );
}

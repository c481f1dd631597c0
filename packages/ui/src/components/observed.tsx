import type { HistogramReport } from "../../../../src/domain/monitoring/report.ts";
import { CONFIDENCE_BINS } from "../../../../src/domain/statistics/confidence-bins.ts";
import { useQuery } from "../api/use-query.ts";
import { formatCount, formatNumber, formatPercent, shareOf } from "../format.ts";
import type { TabProps } from "../pages/model.tsx";
import { RANGES, rangeQuery } from "../time-range.ts";
import { Bars } from "./bars.tsx";
import { type Column, DataTable } from "./data-table.tsx";
import { Empty, Loaded, Skeleton } from "./states.tsx";

type Input = HistogramReport["inputs"][number];

const COLUMNS: readonly Column<Input>[] = [
  { name: "name", title: "Input", cell: ({ name }) => name, sortBy: ({ name }) => name },
  { name: "kind", title: "Kind", cell: ({ kind }) => kind },
  {
    name: "count",
    title: "Values",
    isNumber: true,
    cell: ({ count }) => formatCount(count),
    sortBy: ({ count }) => count,
  },
  {
    name: "missing",
    title: "Missing",
    isNumber: true,
    cell: ({ count, missing }) => formatPercent(shareOf(missing, count + missing)),
    sortBy: ({ missing }) => missing,
  },
  { name: "mean", title: "Mean", isNumber: true, cell: ({ mean }) => formatNumber(mean) },
  {
    name: "deviation",
    title: "Deviation",
    isNumber: true,
    cell: ({ deviation }) => formatNumber(deviation),
  },
];

/** What the inputs and predictions of a version look like, whether there is a reference or not. */
export function Observed({ model, version, range }: TabProps) {
  const observed = useQuery<HistogramReport>(
    `admin/models/${encodeURIComponent(model)}/versions/${version}/histograms`,
    range,
    () => rangeQuery(range),
    { everyMs: 30_000 },
  );
  const time = `the last ${RANGES[range].label}`;
  return (
    <>
      <section class="card" aria-labelledby="predictions">
        <h2 id="predictions">Predictions of {time}</h2>
        <Loaded state={observed} skeleton={<Skeleton height={160} />}>
          {(report) => <Predictions report={report} />}
        </Loaded>
      </section>
      <section class="card" aria-labelledby="inputs">
        <h2 id="inputs">Inputs of {time}</h2>
        <Loaded state={observed} skeleton={<Skeleton height={160} />} isQuiet>
          {({ inputs }) =>
            inputs.length > 0 ? (
              <DataTable
                caption={`Inputs of ${time}`}
                columns={COLUMNS}
                rows={inputs}
                keyOf={({ name }) => name}
              />
            ) : (
              <Empty>Nothing was measured of inputs in this time.</Empty>
            )
          }
        </Loaded>
      </section>
    </>
  );
}

const MAX_LABELS = 12;

function Predictions({ report }: { readonly report: HistogramReport }) {
  const { labels } = report;
  if (labels.length === 0) return <Empty>{describeMissing(report)}</Empty>;
  const total = labels.reduce((sum, { count }) => sum + count, 0);
  const shown = labels.slice(0, MAX_LABELS);
  const confidence = confidencesOf(labels);
  return (
    <div class="features">
      <article class="feature">
        <h3>Labels</h3>
        <Bars
          title="Share of predictions by label"
          bars={shown.map(({ label, count }) => ({ label, observed: count / total }))}
          format={formatPercent}
        />
      </article>
      {confidence && (
        <article class="feature">
          <h3>Confidence</h3>
          <Bars
            title="Share of predictions by confidence"
            bars={confidence.map((share, index) => ({
              label: `${formatNumber(index / CONFIDENCE_BINS)} to ${formatNumber((index + 1) / CONFIDENCE_BINS)}`,
              observed: share,
            }))}
            format={formatPercent}
          />
        </article>
      )}
    </div>
  );
}

function describeMissing({ predictions, requests, shownFrom }: HistogramReport): string {
  if (predictions === 0) return "No predictions in this time.";
  if (requests < shownFrom)
    return `Predictions are shown from ${shownFrom} requests on; there were ${formatCount(requests)}.`;
  return `${formatCount(predictions)} predictions, without labels.`;
}

/** Of all labels together. */
function confidencesOf(labels: HistogramReport["labels"]): number[] | undefined {
  const sums = new Array<number>(CONFIDENCE_BINS).fill(0);
  for (const { confidence = [] } of labels)
    for (const [index, count] of confidence.entries()) sums[index] = (sums[index] ?? 0) + count;
  const total = sums.reduce((sum, count) => sum + count, 0);
  return total > 0 ? sums.map((count) => count / total) : undefined;
}

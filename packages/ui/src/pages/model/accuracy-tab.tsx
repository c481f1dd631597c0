import type {
  AccuracyReport,
  AccuracyWindow,
} from "../../../../../src/domain/monitoring/accuracy-report.ts";
import type { Estimate } from "../../../../../src/domain/monitoring/estimate.ts";
import { useQuery } from "../../api/use-query.ts";
import { Canaries } from "../../components/canaries.tsx";
import { Chart } from "../../components/chart.tsx";
import { LabelTable, Reliability } from "../../components/classification.tsx";
import { Empty, Loaded, Skeleton } from "../../components/states.tsx";
import { Tile, Tiles } from "../../components/tile.tsx";
import { formatCount, formatNumber, formatPercent } from "../../format.ts";
import { RANGES, rangeQuery } from "../../time-range.ts";
import type { TabProps } from "../model.tsx";

interface Accuracy {
  readonly versions: readonly AccuracyReport[];
  readonly windows: readonly AccuracyWindow[];
}

/** How often a version is right: by feedback, and as confidences make expected. */
export function AccuracyTab({ model, version, range }: TabProps) {
  const base = `admin/models/${encodeURIComponent(model)}`;
  const step = RANGES[range].seconds <= RANGES["7d"].seconds ? "hour" : "day";
  const accuracy = useQuery<Accuracy>(
    `${base}/accuracy`,
    `${version} ${range}`,
    () => ({ ...rangeQuery(range), version, step }),
    { everyMs: 30_000 },
  );
  return (
    <>
      <Loaded state={accuracy} skeleton={<Skeleton height={420} />}>
        {({ versions, windows }) => {
          const report = versions.find((each) => each.version === version);
          if (!report) return <NoTruth model={model} />;
          const ofVersion = windows.filter((each) => each.version === version);
          return <Report model={model} report={report} windows={ofVersion} />;
        }}
      </Loaded>
      <Canaries model={model} />
    </>
  );
}

function NoTruth({ model }: { readonly model: string }) {
  return (
    <Empty>
      <p>
        Nothing is known of right and wrong predictions in this time. Send what the truth was, by
        the id of its request:
      </p>
      <code>
        POST /models/{model}/feedback {"{"}"requestId": "…", "truth": "…"{"}"}
      </code>
    </Empty>
  );
}

interface ReportProps {
  readonly model: string;
  readonly report: AccuracyReport;
  readonly windows: readonly AccuracyWindow[];
}

function Report({ model, report, windows }: ReportProps) {
  const { truths, classification, calibration, regression, estimated } = report;
  const expected = estimated && "accuracy" in estimated ? estimated : undefined;
  return (
    <>
      {truths === 0 && <NoTruth model={model} />}
      <Tiles label="How often the version is right">
        {classification && (
          <Tile
            label="Accuracy"
            value={formatPercent(classification.accuracy.value)}
            note={`${interval(classification.accuracy, formatPercent)}, by ${formatCount(truths)} truths`}
          />
        )}
        {classification && (
          <Tile
            label="Macro F1"
            value={formatNumber(classification.macroF1.value)}
            note={interval(classification.macroF1, formatNumber)}
          />
        )}
        {regression && (
          <Tile
            label="RMSE"
            value={formatNumber(regression.rootMeanSquaredError.value)}
            note={`${interval(regression.rootMeanSquaredError, formatNumber)}, by ${formatCount(truths)} truths`}
          />
        )}
        {regression && (
          <Tile
            label="Mean error"
            value={formatNumber(regression.meanError.value)}
            note={`mean absolute error ${formatNumber(regression.meanAbsoluteError.value)}`}
          />
        )}
        {calibration && (
          <Tile
            label="Calibration error"
            value={formatPercent(calibration.expectedError)}
            note={`Brier score ${formatNumber(calibration.brier.value)}`}
          />
        )}
        {expected && (
          <Tile
            label="Accuracy, expected"
            value={formatPercent(expected.accuracy.value)}
            note={`${interval(expected.accuracy, formatPercent)}, of ${formatCount(expected.predictions)} predictions`}
          />
        )}
        {estimated && !expected && "reason" in estimated && (
          <Tile label="Accuracy, expected" value="–" note={estimated.reason} />
        )}
      </Tiles>
      <AccuracyCharts windows={windows} />
      {classification && <LabelTable labels={classification.labels} />}
      {calibration && <Reliability bins={calibration.bins} />}
    </>
  );
}

function AccuracyCharts({ windows }: { readonly windows: readonly AccuracyWindow[] }) {
  const sorted = windows.toSorted((one, two) => (one.start < two.start ? -1 : 1));
  const starts = sorted.map(({ start }) => Date.parse(start));
  const isRegression = sorted.some(({ regression }) => regression);
  if (starts.length === 0) return null;
  return (
    <div class="charts">
      <Chart
        title={isRegression ? "RMSE" : "Accuracy"}
        starts={starts}
        format={isRegression ? formatNumber : formatPercent}
        emptyText="No truths in this time."
        lines={boundsOf(
          sorted.map(({ classification, regression }) =>
            isRegression ? regression?.rootMeanSquaredError : classification?.accuracy,
          ),
        )}
      />
      <Chart
        title="Truths"
        starts={starts}
        format={formatCount}
        lines={[
          {
            label: "Rows",
            color: "--series-2",
            values: sorted.map(({ truths }) => truths),
            isFilled: true,
          },
        ]}
      />
    </div>
  );
}

/** A value with the bounds of its interval. */
function boundsOf(estimates: readonly (Estimate | undefined)[]) {
  const values = (read: (estimate: Estimate) => number): (number | null)[] =>
    estimates.map((estimate) => (estimate ? read(estimate) : null));
  const bound = { color: "--muted", isDashed: true };
  return [
    { label: "Value", color: "--series-1", values: values(({ value }) => value) },
    { label: "Low, 95 %", ...bound, values: values(({ low }) => low) },
    { label: "High, 95 %", ...bound, values: values(({ high }) => high) },
  ];
}

function interval({ low, high }: Estimate, format: (value: number) => string): string {
  return `${format(low)} to ${format(high)}`;
}

import type {
  LabelReport,
  ReliabilityReport,
} from "../../../../src/domain/monitoring/accuracy-report.ts";
import type { Estimate } from "../../../../src/domain/monitoring/estimate.ts";
import { formatCount, formatNumber, formatPercent } from "../format.ts";
import { Bars } from "./bars.tsx";
import { type Column, DataTable } from "./data-table.tsx";

const COLUMNS: readonly Column<LabelReport>[] = [
  { name: "label", title: "Label", cell: ({ label }) => label, sortBy: ({ label }) => label },
  count("truths", "Truths", ({ truths }) => truths),
  count("predicted", "Predicted", ({ predicted }) => predicted),
  share("precision", "Precision", ({ precision }) => precision),
  share("recall", "Recall", ({ recall }) => recall),
  share("f1", "F1", ({ f1 }) => f1),
];

function count(
  name: string,
  title: string,
  read: (row: LabelReport) => number,
): Column<LabelReport> {
  return { name, title, isNumber: true, sortBy: read, cell: (row) => formatCount(read(row)) };
}

function share(
  name: string,
  title: string,
  read: (row: LabelReport) => Estimate | undefined,
): Column<LabelReport> {
  return {
    name,
    title,
    isNumber: true,
    sortBy: (row) => read(row)?.value ?? -1,
    cell: (row) => formatPercent(read(row)?.value),
  };
}

export function LabelTable({ labels }: { readonly labels: readonly LabelReport[] }) {
  return (
    <section class="card" aria-labelledby="labels">
      <h2 id="labels">Labels</h2>
      <DataTable
        caption="Precision and recall by label"
        columns={COLUMNS}
        rows={labels}
        keyOf={({ label }) => label}
      />
    </section>
  );
}

/** The share of right predictions by confidence: bars at the height of the lines are calibrated. */
export function Reliability({ bins }: { readonly bins: readonly ReliabilityReport[] }) {
  return (
    <section class="card" aria-labelledby="reliability">
      <h2 id="reliability">Right predictions by confidence</h2>
      <p class="muted">
        Lines are the mean confidence: where bars are lower, the model is too sure.
      </p>
      <Bars
        title="Share of right predictions by confidence"
        bars={bins.map(({ from, to, count, accuracy, meanConfidence }) => ({
          label: `${formatNumber(from)} to ${formatNumber(to)} (${formatCount(count)})`,
          observed: accuracy.value,
          reference: meanConfidence,
        }))}
        format={formatPercent}
      />
    </section>
  );
}

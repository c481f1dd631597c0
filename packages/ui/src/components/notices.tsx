import type { OverviewReport, ReportFrame } from "../../../../src/domain/monitoring/report.ts";
import { formatCount } from "../format.ts";

/** What is missing of the numbers. */
export function Notices({ report }: { readonly report: ReportFrame & Partial<OverviewReport> }) {
  const { unreachable, lost = {} } = report;
  const lostCount = Object.values(lost).reduce((sum, count) => sum + count, 0);
  return (
    <>
      {unreachable.length > 0 && (
        <p class="notice" role="status">
          Not shown, because the collector did not answer:{" "}
          {unreachable.map(({ shard }) => shard.replace(/^model:/, "")).join(", ")}.
        </p>
      )}
      {lostCount > 0 && (
        <p class="notice" role="status">
          {formatCount(lostCount)} events were lost on their way (
          {Object.entries(lost)
            .map(([reason, count]) => `${reason}: ${formatCount(count)}`)
            .join(", ")}
          ), so that these numbers are too small.
        </p>
      )}
    </>
  );
}

import type { CanaryReport } from "../../../../src/domain/monitoring/canary-report.ts";
import { useQuery } from "../api/use-query.ts";
import { formatCount, formatMoment, formatNumber, formatPercent } from "../format.ts";
import { DataTable } from "./data-table.tsx";
import { Loaded, Skeleton } from "./states.tsx";

type Metric = CanaryReport["metrics"][number];

/** Versions of aliases that are split, compared with the version before. Nothing is shown of a model without any. */
export function Canaries({ model }: { readonly model: string }) {
  const canaries = useQuery<{ readonly canaries: readonly CanaryReport[] }>(
    `admin/models/${encodeURIComponent(model)}/canary`,
    "",
    () => ({}),
    { everyMs: 30_000 },
  );
  return (
    <Loaded state={canaries} skeleton={<Skeleton height={60} />}>
      {(report) =>
        report.canaries.map((canary) => (
          <Canary key={`${canary.alias} ${canary.since} ${canary.canary}`} canary={canary} />
        ))
      }
    </Loaded>
  );
}

function Canary({ canary }: { readonly canary: CanaryReport }) {
  const { alias, stable, canary: version, requests, startedAt, worse, outcome } = canary;
  return (
    <section class="card">
      <h2>
        Canary of {alias}: v{version} beside v{stable}{" "}
        <span class={`badge ${worse ? "firing" : "none"}`}>
          {worse ? "worse" : "not worse so far"}
        </span>
      </h2>
      <p class="muted">
        Since {formatMoment(startedAt)}: {formatCount(requests.canary)} requests of v{version},{" "}
        {formatCount(requests.stable)} of v{stable}.{worse && ` ${worse.reason}`}
        {outcome === "rolled_back" && " It was rolled back."}
      </p>
      <DataTable<Metric>
        caption={`Comparison of v${version} with v${stable}`}
        rows={canary.metrics}
        keyOf={({ metric }) => metric}
        columns={[
          { name: "metric", title: "Compared", cell: ({ metric }) => metric },
          {
            name: "canary",
            title: `v${version}`,
            isNumber: true,
            cell: (row) => formatPercent(row.canary?.value),
          },
          {
            name: "stable",
            title: `v${stable}`,
            isNumber: true,
            cell: (row) => formatPercent(row.stable?.value),
          },
          {
            name: "significance",
            title: "Significance",
            isNumber: true,
            cell: ({ significance, unavailable }) => unavailable ?? formatNumber(significance),
          },
          {
            name: "worse",
            title: "",
            cell: (row) => (row.worse ? <span class="bad">worse</span> : ""),
          },
        ]}
      />
    </section>
  );
}

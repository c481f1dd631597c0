import type { OverviewReport, SeriesReport } from "../../../../src/domain/monitoring/report.ts";
import { useQuery } from "../api/use-query.ts";
import { CountList } from "../components/count-list.tsx";
import { ModelTable } from "../components/model-table.tsx";
import { Notices } from "../components/notices.tsx";
import { PageHead } from "../components/page-head.tsx";
import { Empty, Loaded, Skeleton } from "../components/states.tsx";
import { ChartsSkeleton, TrafficCharts } from "../components/traffic-charts.tsx";
import { TrafficTiles } from "../components/traffic-tiles.tsx";
import { linkTo } from "../place.ts";
import { replacePlace } from "../routing.ts";
import { RANGES, rangeOf, rangeQuery, refreshMs } from "../time-range.ts";

export function OverviewPage({ query }: { readonly query: Readonly<Record<string, string>> }) {
  const range = rangeOf(query);
  const requests = query.requests === "all" ? "all" : "models";
  const key = `${range} ${requests}`;
  const options = { everyMs: refreshMs(range) };
  const overview = useQuery<OverviewReport>(
    "admin/monitoring",
    key,
    () => ({ ...rangeQuery(range), requests }),
    options,
  );
  const series = useQuery<SeriesReport>(
    "admin/monitoring/series",
    key,
    () => ({ ...rangeQuery(range), requests, step: RANGES[range].stepSeconds }),
    options,
  );
  return (
    <>
      <PageHead
        title="Overview"
        range={range}
        onRange={(chosen) => replacePlace(linkTo([], { ...query, range: chosen }))}
        state={overview}
      >
        <label class="field">
          <span>Requests</span>
          <select
            aria-label="Requests"
            value={requests}
            onChange={(event) =>
              replacePlace(linkTo([], { ...query, requests: event.currentTarget.value }))
            }
          >
            <option value="models">of models</option>
            <option value="all">all, with probes</option>
          </select>
        </label>
      </PageHead>
      <Loaded state={overview} skeleton={<Skeleton height={236} />}>
        {(report) => (
          <>
            <Notices report={report} />
            <TrafficTiles summary={report.total} seconds={RANGES[range].seconds} />
          </>
        )}
      </Loaded>
      <Loaded state={series} skeleton={<ChartsSkeleton />}>
        {(report) => <TrafficCharts report={report} />}
      </Loaded>
      <section class="card" aria-labelledby="models">
        <h2 id="models">Models</h2>
        <Loaded state={overview} skeleton={<Skeleton height={240} />} isQuiet>
          {({ models }) =>
            models.length > 0 ? (
              <ModelTable models={models} range={range} />
            ) : (
              <Empty>
                No requests in this time. Send one, and its numbers are here some seconds later:
                <code>POST /models/{"{model}"}</code>
              </Empty>
            )
          }
        </Loaded>
      </section>
      <Loaded state={overview} skeleton={null} isQuiet>
        {({ errors, operations, dataCenters, countries, invocations }) => (
          <div class="columns">
            <CountList
              title="Errors"
              counts={errors.map(({ status, code = "", count }) => [`${status} ${code}`, count])}
              emptyText="No errors in this time."
            />
            <CountList title="Operations" counts={Object.entries(operations)} />
            <CountList title="Data centers" counts={Object.entries(dataCenters)} />
            <CountList title="Countries" counts={Object.entries(countries)} />
            <CountList title="Endings of invocations" counts={Object.entries(invocations)} />
          </div>
        )}
      </Loaded>
    </>
  );
}

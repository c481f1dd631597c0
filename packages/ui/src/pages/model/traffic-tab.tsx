import type { SeriesReport, VersionSummary } from "../../../../../src/domain/monitoring/report.ts";
import { useQuery } from "../../api/use-query.ts";
import { Comparison } from "../../components/comparison.tsx";
import { Loaded } from "../../components/states.tsx";
import { ChartsSkeleton } from "../../components/traffic-charts.tsx";
import { TrafficTiles } from "../../components/traffic-tiles.tsx";
import { VersionCharts } from "../../components/version-charts.tsx";
import { VersionPicker } from "../../components/version-picker.tsx";
import { RANGES, rangeOf, rangeQuery, refreshMs } from "../../time-range.ts";

interface TrafficTabProps {
  readonly model: string;
  /** At least one, the newest first. */
  readonly versions: readonly VersionSummary[];
  readonly query: Readonly<Record<string, string>>;
  readonly onChange: (changes: Readonly<Record<string, string>>) => void;
}

/** One version, or two side by side. */
export function TrafficTab({ model, versions, query, onChange }: TrafficTabProps) {
  const range = rangeOf(query);
  const series = useQuery<SeriesReport>(
    "admin/monitoring/series",
    `${model} ${range}`,
    () => ({ ...rangeQuery(range), model, group: "version", step: RANGES[range].stepSeconds }),
    { everyMs: refreshMs(range) },
  );
  const [newest, second] = versions;
  const one = versions.find(({ version }) => version === query.version) ?? newest;
  const other =
    versions.find(({ version }) => version === query.with && version !== one?.version) ??
    [second, newest].find((each) => each && each.version !== one?.version);
  if (!one) return null;
  return (
    <>
      <div class="controls">
        <VersionPicker
          label="Version"
          versions={versions}
          version={one.version}
          onChange={(version) => onChange({ version })}
        />
        {other && (
          <VersionPicker
            label="beside"
            versions={versions.filter(({ version }) => version !== one.version)}
            version={other.version}
            onChange={(version) => onChange({ with: version })}
          />
        )}
      </div>
      {other ? (
        <Comparison one={one} other={other} />
      ) : (
        <TrafficTiles summary={one} seconds={RANGES[range].seconds} />
      )}
      <Loaded state={series} skeleton={<ChartsSkeleton />}>
        {(report) => (
          <VersionCharts
            report={report}
            versions={[one, ...(other ? [other] : [])].map(({ version }) => version)}
          />
        )}
      </Loaded>
    </>
  );
}

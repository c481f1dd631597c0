import type { OverviewReport } from "../../../../src/domain/monitoring/report.ts";
import { useQuery } from "../api/use-query.ts";
import { PageHead } from "../components/page-head.tsx";
import { Empty, Loaded, Skeleton } from "../components/states.tsx";
import { VersionPicker } from "../components/version-picker.tsx";
import { linkTo } from "../place.ts";
import { replacePlace } from "../routing.ts";
import { type RangeName, rangeOf, rangeQuery, refreshMs } from "../time-range.ts";
import { AccuracyTab } from "./model/accuracy-tab.tsx";
import { DriftTab } from "./model/drift-tab.tsx";
import { TrafficTab } from "./model/traffic-tab.tsx";

const TABS = [
  { name: "", title: "Traffic" },
  { name: "drift", title: "Drift" },
  { name: "accuracy", title: "Accuracy" },
] as const;

interface ModelPageProps {
  readonly model: string;
  readonly tab: string;
  readonly query: Readonly<Record<string, string>>;
}

/** A model: what its versions do, how their inputs have changed, and how often they are right. */
export function ModelPage({ model, tab, query }: ModelPageProps) {
  const range = rangeOf(query);
  const overview = useQuery<OverviewReport>("admin/monitoring", range, () => rangeQuery(range), {
    everyMs: refreshMs(range),
  });
  const current = TABS.find(({ name }) => name === tab)?.name ?? "";
  const go = (changes: Readonly<Record<string, string>>): void =>
    replacePlace(linkTo(pathOf(model, current), { range, ...query, ...changes }));
  return (
    <>
      <PageHead
        title={model}
        range={range}
        onRange={(chosen) => go({ range: chosen })}
        state={overview}
      />
      <nav class="links tabs" aria-label={`About ${model}`}>
        {TABS.map(({ name, title }) => (
          <a
            key={name}
            href={linkTo(pathOf(model, name), { range, version: query.version })}
            {...(name === current && { "aria-current": "page" as const })}
          >
            {title}
          </a>
        ))}
      </nav>
      <Loaded state={overview} skeleton={<Skeleton height={420} />}>
        {({ models }) => {
          const versions = models.find((each) => each.model === model)?.versions ?? [];
          const [newest] = versions;
          if (!newest)
            return <Empty>{`No requests of ${model} in this time. Choose a longer one.`}</Empty>;
          if (current === "")
            return <TrafficTab model={model} versions={versions} query={query} onChange={go} />;
          const version = query.version ?? newest.version;
          const Tab = current === "drift" ? DriftTab : AccuracyTab;
          return (
            <>
              <VersionPicker
                label="Version"
                versions={versions}
                version={version}
                onChange={(chosen) => go({ version: chosen })}
              />
              <Tab key={version} model={model} version={version} range={range} />
            </>
          );
        }}
      </Loaded>
    </>
  );
}

export interface TabProps {
  readonly model: string;
  readonly version: string;
  readonly range: RangeName;
}

function pathOf(model: string, tab: string): string[] {
  return ["models", model, ...(tab ? [tab] : [])];
}

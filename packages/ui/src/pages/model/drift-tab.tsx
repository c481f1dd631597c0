import type {
  DriftReport,
  DriftStatus,
  FeatureDrift,
} from "../../../../../src/domain/monitoring/drift-report.ts";
import { useQuery } from "../../api/use-query.ts";
import { DriftFeature } from "../../components/drift-feature.tsx";
import { Observed } from "../../components/observed.tsx";
import { Empty, Loaded, Skeleton } from "../../components/states.tsx";
import { formatCount, formatMoment } from "../../format.ts";
import type { TabProps } from "../model.tsx";

export const DRIFT_TEXTS: Record<DriftStatus, string> = {
  no_profile: "No reference profile",
  insufficient: "Too few rows yet",
  none: "No drift",
  suspected: "Drift suspected",
  drift: "Drift",
};

/** How the inputs and predictions of a version differ from the example data. */
export function DriftTab(props: TabProps) {
  const { model, version } = props;
  const base = `admin/models/${encodeURIComponent(model)}/versions/${version}`;
  const drift = useQuery<DriftReport>(`${base}/drift`, "", () => ({}), { everyMs: 30_000 });
  return (
    <>
      <Loaded state={drift} skeleton={<Skeleton height={120} />}>
        {(report) => (
          <>
            <DriftHead report={report} />
            {report.reference && <DriftFeatures report={report} reference={report.reference} />}
          </>
        )}
      </Loaded>
      <Observed {...props} />
    </>
  );
}

function DriftHead({ report }: { readonly report: DriftReport }) {
  const { status, level, minEffect, minRows, model, version } = report;
  return (
    <section class="card verdict">
      <p>
        <span class={`badge ${status}`}>{DRIFT_TEXTS[status]}</span>
      </p>
      {status === "no_profile" ? (
        <p class="muted">
          Drift is measured against a reference profile, which is made of example data:{" "}
          <code>
            npx onnxflare profile {model}@{version} examples.csv
          </code>
        </p>
      ) : (
        <p class="muted">
          A feature has drifted when it differs in two windows in a row, significantly (false alarms
          in {formatCount(level * 1000)} of 1,000 windows) and by an effect of {minEffect}{" "}
          deviations or more. A window has {formatCount(minRows)} rows at least.
        </p>
      )}
    </section>
  );
}

interface DriftFeaturesProps {
  readonly report: DriftReport;
  readonly reference: NonNullable<DriftReport["reference"]>;
}

/** The newest window that was evaluated; those that differ most first. */
function DriftFeatures({ report, reference }: DriftFeaturesProps) {
  const window = report.windows.find(({ complete }) => complete) ?? report.windows[0];
  if (!window || window.features.length === 0)
    return <Empty>No window of requests has been compared with the reference yet.</Empty>;
  const statusOf = ({ feature, side }: FeatureDrift) =>
    report.features.find((each) => each.feature === feature && each.side === side)?.status ??
    "none";
  const sorted = window.features.toSorted((one, two) => two.effect - one.effect);
  return (
    <section aria-labelledby="features">
      <h2 id="features">Inputs and predictions against the reference</h2>
      <p class="muted">
        {formatCount(window.rows)} rows from {formatMoment(window.start)} to{" "}
        {formatMoment(window.end)}, compared with {formatCount(reference.rows)} rows of example
        data. Bars are requests, lines the reference.
      </p>
      <div class="features">
        {sorted.map((feature) => (
          <DriftFeature
            key={`${feature.side} ${feature.feature}`}
            drift={feature}
            status={statusOf(feature)}
            reference={(feature.side === "input" ? reference.inputs : reference.outputs).find(
              ({ name }) => name === feature.feature,
            )}
          />
        ))}
      </div>
    </section>
  );
}

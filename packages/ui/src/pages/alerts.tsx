import type {
  AlertResponse,
  AlertsResponse,
  TransitionResponse,
} from "../../../../src/domain/alerts/responses.ts";
import { useQuery } from "../api/use-query.ts";
import { type Column, DataTable } from "../components/data-table.tsx";
import { PageHead } from "../components/page-head.tsx";
import { Empty, Loaded, Skeleton } from "../components/states.tsx";
import { formatMoment, formatNumber } from "../format.ts";
import { linkTo } from "../place.ts";

/** What fires now, and what has happened. */
export function AlertsPage() {
  const alerts = useQuery<AlertsResponse>("admin/alerts", "", () => ({}), { everyMs: 10_000 });
  return (
    <>
      <PageHead title="Alerts" state={alerts} />
      <Loaded state={alerts} skeleton={<Skeleton height={240} />}>
        {({ alerts: all, history, evaluatedAt, problem }) => (
          <>
            {problem !== undefined && (
              <p class="notice" role="alert">
                The rules could not be evaluated: {problem}
              </p>
            )}
            <p class="muted">
              {evaluatedAt === undefined
                ? "The rules are evaluated when there are requests."
                : `The rules were evaluated at ${formatMoment(evaluatedAt)}.`}
            </p>
            <section class="card" aria-labelledby="now">
              <h2 id="now">Now</h2>
              {all.length > 0 ? (
                <DataTable
                  caption="Alerts"
                  columns={ALERT_COLUMNS}
                  rows={all.toSorted((one, two) => rankOf(one) - rankOf(two))}
                  keyOf={(alert) => keyOf(alert)}
                />
              ) : (
                <Empty>Nothing fires, and nothing is pending.</Empty>
              )}
            </section>
            {history.length > 0 && (
              <section class="card" aria-labelledby="history">
                <h2 id="history">History</h2>
                <DataTable
                  caption="What has happened, the newest first"
                  columns={HISTORY_COLUMNS}
                  rows={history}
                  keyOf={({ at, transition, alert }) => `${at} ${transition} ${keyOf(alert)}`}
                />
              </section>
            )}
          </>
        )}
      </Loaded>
    </>
  );
}

const RANKS = ["firing", "pending", "resolved", "inactive"];

function rankOf({ state }: AlertResponse): number {
  return RANKS.indexOf(state);
}

function keyOf({ rule, model = "", version = "", item = "" }: AlertResponse): string {
  return `${rule} ${model} ${version} ${item}`;
}

const ALERT_COLUMNS: readonly Column<AlertResponse>[] = [
  {
    name: "state",
    title: "State",
    cell: ({ state }) => <span class={`badge ${state}`}>{state}</span>,
  },
  { name: "rule", title: "Rule", cell: ({ rule }) => rule, sortBy: ({ rule }) => rule },
  {
    name: "severity",
    title: "Severity",
    cell: ({ severity }) => <span class={severity === "critical" ? "bad" : ""}>{severity}</span>,
  },
  { name: "subject", title: "Of", cell: (alert) => <Subject alert={alert} /> },
  {
    name: "value",
    title: "Value",
    isNumber: true,
    cell: ({ value }) => formatNumber(value),
    sortBy: ({ value }) => value,
  },
  {
    name: "since",
    title: "Since",
    cell: ({ since }) => formatMoment(since),
    sortBy: ({ since }) => since,
  },
  { name: "summary", title: "Summary", cell: ({ summary }) => <span class="wrap">{summary}</span> },
];

const HISTORY_COLUMNS: readonly Column<TransitionResponse>[] = [
  { name: "at", title: "Time", cell: ({ at }) => formatMoment(at) },
  {
    name: "transition",
    title: "What",
    cell: ({ transition }) => <span class={`badge ${transition}`}>{transition}</span>,
  },
  { name: "rule", title: "Rule", cell: ({ alert }) => alert.rule },
  { name: "subject", title: "Of", cell: ({ alert }) => <Subject alert={alert} /> },
  {
    name: "summary",
    title: "Summary",
    cell: ({ alert }) => <span class="wrap">{alert.summary}</span>,
  },
];

function Subject({ alert: { model, version, item } }: { readonly alert: AlertResponse }) {
  return (
    <>
      {model === undefined ? (
        "the service"
      ) : (
        <a href={linkTo(["models", model], { version })}>
          {model}
          {version !== undefined && <small> v{version}</small>}
        </a>
      )}
      {item !== undefined && ` ${item}`}
    </>
  );
}

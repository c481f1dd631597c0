import { useState } from "preact/hooks";
import { EVENT_KINDS, type TelemetryEvent } from "../../../../src/domain/event.ts";
import { useEvents } from "../api/use-events.ts";
import { EventRow } from "../components/event-row.tsx";
import { PageHead } from "../components/page-head.tsx";
import { Empty } from "../components/states.tsx";
import { linkTo } from "../place.ts";
import { replacePlace } from "../routing.ts";

const FILTERS = ["model", "operation", "status", "code", "event"] as const;
type Filter = Readonly<Partial<Record<(typeof FILTERS)[number], string>>>;

const STATES = {
  connecting: "Connecting …",
  live: "Live",
  paused: "Paused",
  failed: "Disconnected, trying again …",
} as const;

/** The events as they come, newest first. */
export function LivePage({ query }: { readonly query: Readonly<Record<string, string>> }) {
  const [isPaused, setPaused] = useState(false);
  const filter: Filter = Object.fromEntries(FILTERS.map((name) => [name, query[name] ?? ""]));
  const tail = useEvents(filter, JSON.stringify(filter), isPaused);
  const showsAll = query.requests === "all";
  const events = showsAll ? tail.events : tail.events.filter(({ event }) => isOfModel(event));
  const set = (name: string, value: string): void =>
    replacePlace(linkTo(["live"], { ...query, [name]: value.trim() }));
  return (
    <>
      <PageHead title="Live">
        <span class={`badge ${tail.state}`} role="status">
          {STATES[tail.state]}
        </span>
        <button type="button" class="quiet" onClick={() => setPaused(!isPaused)}>
          {isPaused ? "Resume" : "Pause"}
        </button>
        <button type="button" class="quiet" onClick={tail.clear}>
          Clear
        </button>
      </PageHead>
      <form class="card filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
        <TextFilter name="model" label="Model" filter={filter} set={set} />
        <TextFilter name="operation" label="Operation" filter={filter} set={set} />
        <TextFilter name="status" label="Status" hint="404, 5xx" filter={filter} set={set} />
        <TextFilter name="code" label="Error code" filter={filter} set={set} />
        <label class="field">
          <span>Requests</span>
          <select
            aria-label="Requests"
            value={showsAll ? "all" : "models"}
            onChange={(event) => set("requests", event.currentTarget.value)}
          >
            <option value="models">of models</option>
            <option value="all">all, with probes</option>
          </select>
        </label>
        <label class="field">
          <span>Kind</span>
          <select
            aria-label="Kind"
            value={filter.event ?? ""}
            onChange={(event) => set("event", event.currentTarget.value)}
          >
            <option value="">All</option>
            {EVENT_KINDS.map((kind) => (
              <option key={kind}>{kind}</option>
            ))}
          </select>
        </label>
      </form>
      {tail.failure && (
        <p class="notice" role="alert">
          {tail.failure.message}
        </p>
      )}
      <section class="card tail" aria-label="Events, newest first">
        {events.length === 0 ? (
          <Empty>
            {tail.state === "live"
              ? "No event yet. What happens from now on is shown here."
              : STATES[tail.state]}
          </Empty>
        ) : (
          <ol>
            {events.map(({ number, event }) => (
              <EventRow key={number} event={event} />
            ))}
          </ol>
        )}
      </section>
    </>
  );
}

/** Probes of health, this page and other administration are no work of models. */
function isOfModel(event: TelemetryEvent): boolean {
  if (event.event !== "request") return true;
  const { operationKind = "inference" } = event;
  return operationKind === "inference" || operationKind === "explanation";
}

interface TextFilterProps {
  readonly name: (typeof FILTERS)[number];
  readonly label: string;
  readonly hint?: string;
  readonly filter: Filter;
  readonly set: (name: string, value: string) => void;
}

/** Takes effect when the field is left, or with the enter key. */
function TextFilter({ name, label, hint, filter, set }: TextFilterProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        name={name}
        value={filter[name] ?? ""}
        {...(hint !== undefined && { placeholder: hint })}
        autocapitalize="off"
        autocomplete="off"
        spellcheck={false}
        onChange={(event) => set(name, event.currentTarget.value)}
      />
    </label>
  );
}

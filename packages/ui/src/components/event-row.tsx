import { useState } from "preact/hooks";
import type { RequestEvent, TelemetryEvent } from "../../../../src/domain/event.ts";
import { formatClock, formatDuration } from "../format.ts";

/** An event in one line, and all of it when it is opened. */
export function EventRow({ event }: { readonly event: TelemetryEvent }) {
  const [isOpen, setOpen] = useState(false);
  const isRequest = event.event === "request";
  return (
    <li>
      <details onToggle={(toggled) => setOpen(toggled.currentTarget.open)}>
        <summary>
          <time dateTime={event.time}>{formatClock(event.time)}</time>
          {isRequest ? <RequestLine event={event} /> : <OtherLine event={event} />}
        </summary>
        {isOpen && <pre>{JSON.stringify(event, null, 2)}</pre>}
      </details>
    </li>
  );
}

function RequestLine({ event }: { readonly event: RequestEvent }) {
  const { status, operation, route, model, version, totalMs, errorCode, cache, coldStart } = event;
  return (
    <>
      <span class={`status s${String(status)[0]}`}>{status}</span>
      <span class="what">
        {operation ?? route}
        {model !== undefined && (
          <b>
            {" "}
            {model}
            {version !== undefined && <small> v{version}</small>}
          </b>
        )}
      </span>
      <span class="tags">
        {errorCode !== undefined && <span class="tag bad">{errorCode}</span>}
        {cache?.outcome === "hit" && <span class="tag">hit</span>}
        {coldStart && <span class="tag warn">cold start</span>}
      </span>
      <span class="number">{formatDuration(totalMs)}</span>
    </>
  );
}

function OtherLine({ event }: { readonly event: Exclude<TelemetryEvent, RequestEvent> }) {
  const model = "model" in event ? event.model : undefined;
  return (
    <>
      <span class="status other">{event.event}</span>
      <span class="what">
        {model !== undefined && <b>{model} </b>}
        {"message" in event ? event.message : ""}
        {"outcome" in event ? event.outcome : ""}
      </span>
    </>
  );
}

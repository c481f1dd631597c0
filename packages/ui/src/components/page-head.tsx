import type { ComponentChildren } from "preact";
import { type QueryState, refreshAll } from "../api/use-query.ts";
import { formatClock } from "../format.ts";
import type { RangeName } from "../time-range.ts";
import { RangePicker } from "./range-picker.tsx";

interface PageHeadProps {
  readonly title: ComponentChildren;
  readonly range?: RangeName;
  readonly onRange?: (range: RangeName) => void;
  /** Of what is read again by itself. */
  readonly state?: QueryState<unknown>;
  readonly children?: ComponentChildren;
}

/** The title of a page, with its controls. */
export function PageHead({ title, range, onRange, state, children }: PageHeadProps) {
  return (
    <div class="page-head">
      <h1>{title}</h1>
      <div class="controls">
        {children}
        {range && onRange && <RangePicker range={range} onChange={onRange} />}
        {state && (
          <button type="button" class="quiet" onClick={refreshAll}>
            Refresh
          </button>
        )}
        {state && (
          <span class="muted read-at">
            {state.readAt === undefined ? "\u00a0" : `as of ${formatClock(state.readAt)}`}
          </span>
        )}
      </div>
    </div>
  );
}

import type { ComponentChildren } from "preact";
import type { QueryState } from "../api/use-query.ts";

/** A place that is as high as what comes, so that nothing moves when it does. */
export function Skeleton({ height }: { readonly height: number }) {
  return <div class="skeleton" style={{ height: `${height}px` }} aria-hidden="true" />;
}

export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <div class="state empty">{children}</div>;
}

/** What went wrong, and a way to try again. */
export function Failed({ state }: { readonly state: QueryState<unknown> }) {
  const { failure, reload, isLoading } = state;
  if (!failure) return null;
  if (failure.isUnavailable) return <Empty>{failure.message}</Empty>;
  return (
    <div class="state failed" role="alert">
      <p>
        <strong>{failure.status === 403 ? "Not allowed" : "This could not be loaded"}</strong>
        <span>{failure.message}</span>
        {failure.requestId !== undefined && (
          <small>
            Request <code>{failure.requestId}</code>
          </small>
        )}
      </p>
      <button type="button" onClick={reload} disabled={isLoading}>
        {isLoading ? "Trying again …" : "Try again"}
      </button>
    </div>
  );
}

/** Above data that could not be read again. */
export function Stale({ state }: { readonly state: QueryState<unknown> }) {
  return state.data !== undefined && state.failure ? <Failed state={state} /> : null;
}

interface LoadedProps<T> {
  readonly state: QueryState<T>;
  /** What is shown until then. */
  readonly skeleton: ComponentChildren;
  /** Another part of the page tells of failures of the same data. */
  readonly isQuiet?: boolean;
  readonly children: (data: T) => ComponentChildren;
}

/** What was loaded; before that a skeleton, or the failure. Data stays while it is read again. */
export function Loaded<T>({ state, skeleton, isQuiet = false, children }: LoadedProps<T>) {
  const { data, failure } = state;
  if (data === undefined)
    return (
      <div aria-busy={!failure}>
        {failure ? isQuiet ? <Empty>Not loaded.</Empty> : <Failed state={state} /> : skeleton}
        {!failure && <span class="visually-hidden">Loading …</span>}
      </div>
    );
  return (
    <>
      {!isQuiet && <Stale state={state} />}
      {children(data)}
    </>
  );
}

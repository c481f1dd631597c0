import { createContext } from "preact";
import { useCallback, useContext, useEffect, useState } from "preact/hooks";
import { getJson, type Query, RequestFailure } from "./request.ts";

/** Told what responses say of the session. */
export interface SessionObserver {
  readonly onData: () => void;
  readonly onEnd: () => void;
}

export const SessionContext = createContext<SessionObserver>({
  onData: () => undefined,
  onEnd: () => undefined,
});

export interface QueryState<T> {
  /** Of the last success, also while it is read again and when that fails. */
  readonly data: T | undefined;
  readonly failure: RequestFailure | undefined;
  readonly isLoading: boolean;
  /** When `data` was read, in milliseconds since the epoch. */
  readonly readAt: number | undefined;
  readonly reload: () => void;
}

const REFRESH = "refreshall";

/** Reads everything that the page shows again. */
export function refreshAll(): void {
  dispatchEvent(new Event(REFRESH));
}

type Stored<T> = Omit<QueryState<T>, "reload"> & { readonly key: string };

export interface QueryOptions {
  /** Reads again after this time, while the page is visible. */
  readonly everyMs?: number;
}

/**
 * Reads JSON from the server.
 * @param path `undefined` where nothing is to be read
 * @param makeQuery the parameters, made anew for each reading
 * @param key distinguishes what is read: with another key earlier data is not shown any more
 */
export function useQuery<T>(
  path: string | undefined,
  key: string,
  makeQuery: () => Query,
  { everyMs }: QueryOptions = {},
): QueryState<T> {
  const { onData, onEnd } = useContext(SessionContext);
  const whole = `${path} ${key}`;
  const [attempt, setAttempt] = useState(0);
  const [stored, setStored] = useState<Stored<T>>(() => begin(whole));
  const reload = useCallback(() => setAttempt((before) => before + 1), []);
  useEffect(() => {
    addEventListener(REFRESH, reload);
    return () => removeEventListener(REFRESH, reload);
  }, [reload]);

  // The key stands for the query, and the attempt for the time.
  useEffect(() => {
    if (path === undefined) return;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = (): void => {
      if (document.hidden) document.addEventListener("visibilitychange", reload, { once: true });
      else reload();
    };
    setStored((before) =>
      before.key === whole ? { ...before, isLoading: true } : begin<T>(whole),
    );
    getJson<T>(path, makeQuery(), controller.signal)
      .then((data) => {
        onData();
        setStored({ key: whole, data, failure: undefined, isLoading: false, readAt: Date.now() });
      })
      .catch((error: unknown) => {
        if (controller.signal.aborted) return;
        const failure = toFailure(error);
        if (failure.endsSession) onEnd();
        setStored((before) => ({ ...before, key: whole, failure, isLoading: false }));
      })
      .finally(() => {
        if (everyMs !== undefined && !controller.signal.aborted) timer = setTimeout(again, everyMs);
      });
    return () => {
      controller.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", reload);
    };
  }, [whole, attempt, everyMs]);

  return { ...(stored.key === whole ? stored : begin<T>(whole)), reload };
}

function begin<T>(key: string): Stored<T> {
  return { key, data: undefined, failure: undefined, isLoading: true, readAt: undefined };
}

function toFailure(error: unknown): RequestFailure {
  if (error instanceof RequestFailure) return error;
  return new RequestFailure(0, "unreadable", "The response of the server cannot be read.");
}

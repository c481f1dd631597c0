import { Hono, type MiddlewareHandler } from "hono";
import type { ApiError } from "../../src/domain/errors.ts";
import type { RequestEvent } from "../../src/domain/event.ts";
import type { EventSink } from "../../src/domain/ports.ts";
import type { AppEnv } from "../../src/http/context.ts";
import { observe } from "../../src/http/observe.ts";
import { createErrorHandler } from "../../src/http/render-error.ts";

/** An app for `app.request` that has what every route has: a trace, an event and rendered errors. */
export interface HttpApp {
  readonly routes: Hono<AppEnv>;
  readonly events: readonly RequestEvent[];
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Whether everything that requests left for after their response has ended. */
  isSettled(): boolean;
  /** Waits for it. */
  settle(): Promise<void>;
}

/** An error as these apps write it. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly requestId: string;
}

export interface HttpAppOptions {
  readonly sink?: EventSink;
  /** For all routes, after the one that observes. */
  readonly middleware?: readonly MiddlewareHandler<AppEnv>[];
}

export function createHttpApp({ sink, middleware = [] }: HttpAppOptions = {}): HttpApp {
  const events: RequestEvent[] = [];
  const pending = new Set<Promise<unknown>>();
  const recorder: EventSink = {
    emit: (event) => void (event.event === "request" && events.push(event)),
  };
  const handleError = createErrorHandler((_, error, requestId) => ({
    contentType: "application/json",
    body: JSON.stringify(toErrorBody(error, requestId)),
  }));
  const routes = new Hono<AppEnv>();
  routes.use(observe(sink ?? recorder, handleError), ...middleware);
  routes.onError(handleError);
  const context = {
    waitUntil(work: Promise<unknown>) {
      const settled: Promise<unknown> = work
        .catch(() => undefined)
        .then(() => pending.delete(settled));
      pending.add(settled);
    },
    passThroughOnException: () => undefined,
    props: {},
  } as unknown as ExecutionContext;
  return {
    routes,
    events,
    request: async (path, init) => routes.request(path, init, {}, context),
    isSettled: () => pending.size === 0,
    async settle() {
      await Promise.all(pending);
    },
  };
}

function toErrorBody({ code, message }: ApiError, requestId: string): ErrorBody {
  return { code, message, requestId };
}

export async function errorOf(response: Response): Promise<ErrorBody> {
  return (await response.json()) as ErrorBody;
}

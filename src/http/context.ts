import type { Ticket } from "../domain/access/limiter.ts";
import type { Principal } from "../domain/access/principal.ts";
import type { Permit } from "../domain/admission.ts";
import type { ChangeDetails } from "../domain/audit/audit-recorder.ts";
import type { BodyReservation } from "../domain/body-budget.ts";
import type { ResponseLookup } from "../domain/cached-response.ts";
import type { Call } from "../domain/call.ts";
import type { Deadline } from "../domain/deadline.ts";
import type { ApiError } from "../domain/errors.ts";
import type { OperationKind } from "../domain/event.ts";
import type { PublishedModel, RoutedModel } from "../domain/published-model.ts";
import type { RequestTraits } from "../domain/routing-draw.ts";
import type { Trace } from "../domain/trace.ts";
import type { ScrubSecrets } from "../shared/scrub-secrets.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { RenderedError } from "./rendered-error.ts";
import type { NamedSubject } from "./subject.ts";

/** The operation that handles a request. */
export interface CurrentOperation {
  readonly id: string;
  readonly kind: OperationKind;
  /** The name of the protocol. */
  readonly protocol: string;
  /** The route's pattern, such as `/v2/models/:model/infer`. */
  readonly route: string;
  renderError(error: ApiError, requestId: string): RenderedError;
}

/** How the body of a response ended. */
export interface BodyEnd {
  /** The error that ended the body early, such as `client_closed_request`; absent when the body is complete. */
  readonly error?: unknown;
}

/** Variables that middleware sets for handlers in Hono's context. */
export interface AppEnv {
  Variables: {
    requestId: string;
    trace: Trace;
    /** Not set when no operation matches the path and method. */
    operation: CurrentOperation | undefined;
    /** Set where a path matches, but no operation of it: the form of errors of the path's protocol. */
    renderError: CurrentOperation["renderError"] | undefined;
    /** Set by `authenticate`; not set on public operations, and where no operation matches. */
    principal: Principal | undefined;
    /** Set by `admit`, on inference operations. */
    permit: Permit | undefined;
    /** Set by `limit`, on inference operations, for a client whose API key has budgets. */
    ticket: Ticket | undefined;
    /** Set by `readSubject`, on inference operations, for requests that name one. */
    subject: NamedSubject | undefined;
    /** Set by `callOf`. */
    call: Call | undefined;
    /** Set by `connectionOf`. */
    connection: ClientConnection | undefined;
    /** Set by `receive`, on operations with a body that is not streamed. */
    deadline: Deadline | undefined;
    /** Set by `readBody`; released by `observe`. */
    reservation: BodyReservation | undefined;
    /** Set by `receive`; empty where the request has none. */
    body: Uint8Array;
    /** Set by `respondStream`: resolves when the body has ended. Other bodies are complete when their handler returns. */
    bodyEnd: Promise<BodyEnd> | undefined;
    /** Set by the call's `onEnd`: called by `observe` when the body has ended. */
    endListeners: (() => void)[] | undefined;
    /** Set by `respondFromCache`: the resolved version, when the catalog had it without reading storage. */
    model: RoutedModel | undefined;
    /** Set when a version was drawn at random, so that it is drawn once. */
    traits: RequestTraits | undefined;
    /** Set by `respondFromCache` on a miss of the response cache: `respondBytes` stores the response with it. */
    responseLookup: ResponseLookup | undefined;
    /** Set by `respondFromCache`: decides whether the response may tell how the cache was used. */
    hideCache: ((model: PublishedModel) => void) | undefined;
    /** Removes secrets of the service from texts that a client gets. */
    scrubReply: ScrubSecrets | undefined;
    /** Set by `recordChange`: what the audit log gets besides the request. */
    change: ChangeDetails | undefined;
    /** Headers of the response, also if it becomes an error: `respond` sends them. */
    headers: Record<string, string>;
  };
}

import type { Permit } from "../domain/admission.ts";
import type { ResponseLookup } from "../domain/cached-response.ts";
import type { Call } from "../domain/call.ts";
import type { ApiError } from "../domain/errors.ts";
import type { OperationKind } from "../domain/event.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { Trace } from "../domain/trace.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { RenderedError } from "./rendered-error.ts";

/** The operation that answers a request. */
export interface CurrentOperation {
  readonly id: string;
  readonly kind: OperationKind;
  /** The route's pattern, such as `/v2/models/:model/infer`. */
  readonly route: string;
  renderError(error: ApiError, requestId: string): RenderedError;
}

/** How the body of a response ended. */
export interface BodyEnd {
  /** What the body failed with; a client that closed the connection is one of the reasons. */
  readonly error?: unknown;
}

/** What middleware gives to handlers through Hono's context. */
export interface AppEnv {
  Variables: {
    requestId: string;
    trace: Trace;
    /** Not set where no operation has the path and method. */
    operation: CurrentOperation | undefined;
    /** Set by `admit`, on the operations that run models. */
    permit: Permit | undefined;
    /** Set by `callOf`. */
    call: Call | undefined;
    /** Set by `connectionOf`. */
    connection: ClientConnection | undefined;
    /** Set by `readBody`: a body can be read once. */
    body: Uint8Array;
    /** Set by `respondStream`: fulfilled when the body has ended. Other bodies end with their handler. */
    bodyEnd: Promise<BodyEnd> | undefined;
    /** Set by `respondFromCache`: the version that answers, where it was known without reading storage. */
    published: PublishedModel | undefined;
    /** Set by `respondFromCache`, when the response cache had no response: `respondBytes` stores it. */
    responseLookup: ResponseLookup | undefined;
    /** Headers that the response is to have, also if it becomes an error: `respond` sends them. */
    headers: Record<string, string>;
  };
}

/** The server below which the page is, which may be mounted under a prefix: the page is at `{prefix}/dashboard`. */
const BASE = new URL(".", location.href.replace(/[?#].*$/, ""));

/** A response that is no success, or none at all (`status` 0). */
export class RequestFailure extends Error {
  override readonly name = "RequestFailure";

  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;

  constructor(status: number, code: string, detail: string, requestId?: string) {
    super(detail);
    this.status = status;
    this.code = code;
    this.requestId = requestId;
  }

  /** Whether there is no session any more, or never was one. */
  get endsSession(): boolean {
    return this.status === 401;
  }

  /** Whether the deployment lacks the feature. */
  get isUnavailable(): boolean {
    return this.status === 501 || this.code === "route_not_found";
  }
}

export type Query = Readonly<Record<string, string | number | undefined>>;

/** Sends a request to the server, with the cookie of the session. @throws RequestFailure */
export async function send(
  path: string,
  { query = {}, ...init }: RequestInit & { readonly query?: Query } = {},
): Promise<Response> {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== "") url.searchParams.set(name, String(value));
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new RequestFailure(0, "unreachable", "The server cannot be reached.");
  }
  if (response.ok) return response;
  throw await toFailure(response);
}

/** @throws RequestFailure */
export async function getJson<T>(path: string, query: Query, signal: AbortSignal): Promise<T> {
  const response = await send(path, { query, signal });
  return (await response.json()) as T;
}

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly request_id?: string;
}

async function toFailure(response: Response): Promise<RequestFailure> {
  const problem: Problem = await response.json().catch(() => ({}));
  return new RequestFailure(
    response.status,
    problem.code ?? "",
    problem.detail ?? `The server answered with the status ${response.status}.`,
    problem.request_id ?? response.headers.get("x-request-id") ?? undefined,
  );
}

/** What of a `TraceItem` of the platform is used. Its properties are read once each: they are getters of the runtime. */
export interface TracedInvocation {
  readonly event: unknown;
  readonly eventTimestamp: number | null;
  readonly logs: readonly { readonly level: string; readonly message: unknown }[];
  readonly exceptions: readonly { readonly name: string; readonly message: string }[];
  readonly entrypoint?: string | undefined;
  readonly outcome: string;
  readonly executionModel: string;
  readonly truncated: boolean;
  readonly cpuTime: number;
  readonly wallTime: number;
}

/** What an invocation over HTTP answered. */
export interface FetchInfo {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly status: number | undefined;
}

/** `undefined` of an invocation that is none over HTTP. */
export function readFetch(event: unknown): FetchInfo | undefined {
  const { request, response } = toObject(event);
  if (typeof request !== "object" || request === null) return undefined;
  const { method, url, headers } = toObject(request);
  const { status } = toObject(response);
  return {
    method: typeof method === "string" ? method : "",
    url: typeof url === "string" ? url : "",
    headers: toObject(headers),
    status: typeof status === "number" ? status : undefined,
  };
}

export function toObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** What the client uses of an `AbortSignal`. */
interface MinimalAbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/**
 * The platform's `AbortSignal`: the type of `signal` in its `fetch`. Inferred, because the types
 * of browsers, Node and Workers each declare one, and a program may be compiled without any of them.
 */
export type AbortSignalLike = typeof globalThis extends {
  fetch(input: never, init?: infer Init): unknown;
}
  ? NonNullable<NonNullable<Init> extends { signal?: infer S } ? S : never>
  : MinimalAbortSignal;

/** What the client uses of a `URL`. */
export interface UrlLike {
  readonly href: string;
}

/** The part of `fetch` that is used: the global one fits, and so does a service binding's. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchResponse>;

export interface FetchInit {
  method: string;
  headers: Record<string, string>;
  body?: string | ArrayBuffer;
  signal: AbortSignalLike;
}

export interface FetchResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** A response whose body was read to its end. */
export interface BufferedResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly requestId: string | undefined;
  readonly body: Uint8Array;
}

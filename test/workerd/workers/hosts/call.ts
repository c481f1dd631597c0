import type { RequestLimits } from "../../../../src/domain/access/key-policy.ts";
import type { Datatype } from "../../../../src/domain/datatype.ts";
import type { CandidateModel, IsolateStats } from "../../../../src/domain/model-host.ts";
import type { ModelDescription } from "../../../../src/domain/ports.ts";
import type { Trace } from "../../../../src/domain/trace.ts";

/** A tensor in JSON: strings, bytes in Base64, or bytes that are all the same. */
export interface TestTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data:
    | readonly string[]
    | string
    | { readonly fill: number; readonly sizeBytes: number }
    /** Of outputs: bytes that are too many for JSON. */
    | { readonly sha256: string; readonly sizeBytes: number };
}

/** A call of a method of a host: `POST /hosts/{host}/{method}`. */
export interface HostCall {
  readonly name: string;
  readonly version?: string;
  /** Of `infer`. */
  readonly tensors?: readonly TestTensor[];
  readonly outputs?: readonly string[];
  readonly member?: string;
  /**
   * Of `execute`. An object with one of these fields alone is a value that JSON does not have: `$media` ([type, Base64]),
   * `$filled` ([type, length] of media), `$tokens`, `$bigint`, `$number`.
   */
  readonly inputs?: unknown;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly candidate?: CandidateModel;
  readonly timeoutMs?: number;
  /** How many tokens the key of the client has; it counts none when left out. */
  readonly tokens?: number;
  /** Of the key of the client. */
  readonly limits?: RequestLimits;
  /** Whether the deadline has passed when the call begins. */
  readonly isLate?: boolean;
  /** Whether the client has left when the call begins. */
  readonly isAborted?: boolean;
  /** The client leaves when the test task has made so many runs or parts since the call began. */
  readonly abortAfter?: number;
  /** Whether the runs use the cache, which all hosts share. */
  readonly isCached?: boolean;
  /** How many parts of a stream are read; all when left out. */
  readonly take?: number;
}

export interface TestError {
  readonly code: string;
  readonly message: string;
  readonly details?: unknown;
}

export interface HostAnswer {
  readonly tensors?: readonly TestTensor[];
  /** The JSON of a whole result. */
  readonly json?: string;
  readonly form?: string;
  readonly usage?: unknown;
  /** Of the key's tokens. */
  readonly reservedTokens?: number;
  /** Parts of a streamed result that were read before it ended. */
  readonly parts?: readonly unknown[];
  readonly description?: ModelDescription;
  readonly state?: { readonly state: string; readonly error?: TestError };
  readonly wasLoaded?: boolean;
  readonly stats?: readonly IsolateStats[];
  readonly error?: TestError;
  readonly trace: Pick<Trace, "phasesMs" | "coldStart" | "digest" | "isolate" | "cache">;
}

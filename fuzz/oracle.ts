import { gunzipSync, inflateSync } from "node:zlib";
import { ERROR_KINDS, type ErrorCode } from "../src/domain/errors.ts";
import { SCRATCH_PREFIX } from "./admin-key.ts";
import type { Exchange } from "./http/connection.ts";
import { type FuzzRequest, isAnswerDue } from "./http/request.ts";
import type { Answer } from "./http/response-parser.ts";

/** A 5xx that a request may get, by the code of its error, and when. */
export interface ExpectedFailure {
  readonly code: ErrorCode;
  readonly when: string;
  /** Requests of which it is expected; all when left out. */
  readonly targets?: RegExp;
}

const SCRATCH = new RegExp(SCRATCH_PREFIX);

/** Every other 5xx is a finding. */
export const EXPECTED_FAILURES: readonly ExpectedFailure[] = [
  { code: "task_not_supported", when: "a task that the model does not have" },
  { code: "not_supported", when: "an extension of Triton that is not implemented" },
  { code: "not_cached", when: "cache-control: only-if-cached, and there is no entry" },
  { code: "out_of_memory", when: "the model or the input needs more than the memory budget" },
  { code: "model_too_large", when: "the model never fits the memory budget" },
  {
    code: "engine_crashed",
    when: "a run of a mutated model ends in a trap of the engine",
    targets: SCRATCH,
  },
  { code: "model_load_failed", when: "a mutated model cannot be loaded again", targets: SCRATCH },
  { code: "model_missing", when: "a mutated model was deleted meanwhile", targets: SCRATCH },
];

/** Responses of workerd itself, to requests that never reach the Worker. */
const SERVER_RESPONSES: readonly { readonly status: number; readonly body: RegExp }[] = [
  { status: 400, body: /^invalid [\w -]+$/ },
  { status: 501, body: /^ERROR: Unrecognized request method\.$/ },
  { status: 414, body: /^URI too long$/ },
];

/** The readiness of a server or model that is not loaded yet, without a body. */
const READINESS = /^\/v2\/(health\/ready|models\/.*\/ready)/;

/** `/v1`, also percent-encoded. */
const OPENAI_PATH = /(\/|%2f)(v|%76)(1|%31)/i;

/** What is wrong with the outcome of a request. @returns a cause, equal for equal faults, or `undefined` */
export function judge(
  request: FuzzRequest,
  exchange: Exchange,
  timeoutMs: number,
): string | undefined {
  if (exchange.kind === "answer") return judgeAnswer(request, exchange.answer);
  if (!isAnswerDue(request)) return undefined;
  switch (exchange.kind) {
    case "timeout":
      return `no response within ${timeoutMs / 1000} s`;
    case "malformed":
      return `the response is not HTTP: ${exchange.problem}`;
    case "closed":
    case "refused":
      return "the connection was closed without a response";
    case "left":
      return undefined;
  }
}

function judgeAnswer(request: FuzzRequest, answer: Answer): string | undefined {
  const { status, headers } = answer;
  const text = decode(answer);
  if (text === undefined) return `status ${status} with a body that is not in its content-encoding`;
  if (!("x-request-id" in headers)) {
    const known = SERVER_RESPONSES.some(
      (response) => response.status === status && response.body.test(text),
    );
    return known || request.method === "HEAD"
      ? undefined
      : `status ${status} that is not the Worker's: ${text.slice(0, 100)}`;
  }
  const value = parseBody(headers["content-type"] ?? "", text);
  if (value === INVALID) return `status ${status} with a body that is not the JSON it says it is`;
  if (status < 400) return undefined;
  if (request.method === "HEAD") return status < 500 ? undefined : judgeStatus(status);
  if (READINESS.test(request.target) && (status === 400 || status === 503) && text === "")
    return undefined;
  const error = describeError(request.target, value);
  if (error === undefined)
    return `status ${status} with a body that has no form of an error: ${text.slice(0, 200)}`;
  const kind = ERROR_KINDS[error as ErrorCode];
  if (kind?.status !== status) return `status ${status} with the code ${error}`;
  return isExpected(error as ErrorCode, request) ? undefined : `status ${status}, ${error}`;
}

function judgeStatus(status: number): string | undefined {
  const expected = EXPECTED_FAILURES.some(({ code }) => ERROR_KINDS[code].status === status);
  return expected || status === 503 ? undefined : `status ${status}`;
}

function isExpected(code: ErrorCode, { target }: FuzzRequest): boolean {
  if (ERROR_KINDS[code].status < 500) return true;
  const expected = EXPECTED_FAILURES.find((failure) => failure.code === code);
  return expected !== undefined && (expected.targets?.test(target) ?? true);
}

function decode({ headers, body }: Answer): string | undefined {
  const coding = headers["content-encoding"];
  if (coding === undefined || body.length === 0) return body.toString();
  try {
    return (coding === "gzip" ? gunzipSync(body) : inflateSync(body)).toString();
  } catch {
    return undefined;
  }
}

const INVALID = Symbol("not JSON");

function parseBody(contentType: string, text: string): unknown {
  if (!/json/.test(contentType) || text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return INVALID;
  }
}

/** The code of an error in one of the forms that docs/protocol.md describes. */
function describeError(target: string, value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { error, code, detail, request_id, status } = value as Readonly<Record<string, unknown>>;
  // OpenAI's form.
  if (typeof error === "object" && error !== null) {
    const { message, type, code } = error as Readonly<Record<string, unknown>>;
    const complete = typeof message === "string" && message !== "" && typeof type === "string";
    return complete && OPENAI_PATH.test(target) ? String(code) : undefined;
  }
  const named = typeof code === "string" && typeof request_id === "string";
  // The Open Inference Protocol's and KServe's.
  if (named && typeof error === "string" && error !== "") return code;
  // Problem details.
  return named && typeof detail === "string" && detail !== "" && typeof status === "number"
    ? code
    : undefined;
}

import type { ErrorCode } from "../errors.ts";

/** Why a request to a model failed, in the words of Triton's `nv_inference_request_failure`. */
export const TRITON_FAILURES = [
  "REJECTED", // refused before it ran: the queue, a deadline or a budget
  "CANCELED", // the client left
  "BACKEND", // the model or its engine
  "OTHER",
] as const;
export type TritonFailure = (typeof TRITON_FAILURES)[number];

const REASONS: Readonly<Partial<Record<ErrorCode, TritonFailure>>> = {
  overloaded: "REJECTED",
  deadline_exceeded: "REJECTED",
  rate_limited: "REJECTED",
  quota_exceeded: "REJECTED",
  client_closed_request: "CANCELED",
  inference_failed: "BACKEND",
  engine_crashed: "BACKEND",
  out_of_memory: "BACKEND",
  model_too_large: "BACKEND",
  model_load_failed: "BACKEND",
  model_missing: "BACKEND",
  model_corrupt: "BACKEND",
  signature_invalid: "BACKEND",
};

/** @param code that of the event of a request that failed */
export function toTritonFailure(code: string | undefined): TritonFailure {
  return REASONS[code as ErrorCode] ?? "OTHER";
}

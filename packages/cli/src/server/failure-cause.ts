/** Why a request was not answered: Node's message is "fetch failed" whatever happened, and the reason is in the error's cause. */
export function failureCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  // An attempt at several addresses has their errors.
  return cause instanceof AggregateError ? cause.errors[0] : cause;
}

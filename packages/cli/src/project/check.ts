/** The outcome of one check of `onnxflare doctor`. */
export interface Check {
  readonly name: string;
  readonly status: "ok" | "warn" | "fail";
  /** What was found, in one line. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string | undefined;
}

export type Problem = Omit<Check, "name">;

/** The checks of one name: of each problem, or one that is ok. */
export function toChecks(
  name: string,
  problems: readonly Problem[],
  message = "",
): readonly Check[] {
  if (problems.length === 0) return [{ name, status: "ok", message }];
  return problems.map((problem) => ({ name, ...problem }));
}

import type { Manifest } from "../domain/manifest.ts";
import type { InputForm, TaskPart, TaskRequest, TaskValue } from "../domain/task.ts";

/** What is stored of an answer: the parts of a stream, in a form that every form of the result can be made of. */
export interface AnswerPlan {
  /** What determines the answer, beside the version: of two requests with the same identity either may have the other's answer. */
  readonly identity: unknown;
  /** The request that is executed when no answer is stored. */
  readonly request: TaskRequest;
  /** Of the whole result. */
  readonly form: InputForm;
  /** The parts to store of a whole result of {@link request}; those of a streamed one are stored as they are. */
  toParts(result: TaskValue): readonly TaskPart[];
  /** A part as other requests get it, without what it tells of requests before; the part itself when left out. */
  toShared?(part: TaskPart): TaskPart;
  /** The whole result that was requested. */
  toValue(parts: readonly TaskPart[]): unknown;
  /** A part of the streamed result that was requested. */
  toPart(part: TaskPart): TaskPart;
}

/**
 * How the answers of a task are stored that generates: `drawn` for a request whose result is another one each time, `undefined` for one that
 * is not valid, which the task refuses.
 */
export type PlanAnswer = (
  request: TaskRequest,
  manifest: Manifest,
) => AnswerPlan | "drawn" | undefined;

/**
 * An answer that is stored in the form in which it was requested: a whole one and a streamed one are two entries.
 * @param determining the parameters that determine it
 */
export function answerAsRequested(
  request: TaskRequest,
  determining: Readonly<Record<string, unknown>>,
): AnswerPlan {
  const { inputs, stream = false } = request;
  return {
    identity: { inputs, parameters: determining, stream },
    request,
    form: Array.isArray(inputs) ? "list" : "one",
    toParts: ({ value }) => [value],
    toValue: ([value]) => value,
    toPart: (part) => part,
  };
}

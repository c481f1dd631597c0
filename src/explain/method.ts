import type * as z from "zod";
import type { ExplanationSpace } from "../domain/explanation/explanation.ts";
import type { ExplainedVersion } from "./explained-version.ts";

/** What is asked of a method, once its parameters are read. */
export interface ExplanationRequest<P = unknown> {
  readonly version: ExplainedVersion;
  /** One input of the version's task, or several for a method that explains them together. */
  readonly inputs: unknown;
  /** Of the task, as a prediction takes them. */
  readonly space: ExplanationSpace | undefined;
  /** A label, the index of an output, or all of them; the predicted one when left out. */
  readonly output: string | number | undefined;
  /** Rows that the model may be run for; `undefined` where the method chooses, within the limit of the deployment. */
  readonly maxRuns: number | undefined;
  /** The limit of the deployment. */
  readonly limit: number;
  readonly seed: number;
  /** Rows of the request; `undefined` for those that are kept with the version. */
  readonly background: readonly unknown[] | undefined;
  /** At most so many of them are used; `undefined` where the request does not say. */
  readonly backgroundRows: number | undefined;
  /** The method's own. */
  readonly parameters: P;
}

/** What a method will do, before it has begun. */
export interface PlannedExplanation {
  readonly space: ExplanationSpace;
  /** Rows that the model will be run for, at most. */
  readonly runs: number;
  /** @throws ApiError */
  explain(): Promise<object>;
  /** What has been done until now, and the result in the end; for results that take long. */
  stream?(): AsyncIterable<object>;
}

/** One way to explain: a definition, and a line in `registry.ts`. */
export interface ExplanationMethod<S extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  /** One sentence of documentation. */
  readonly summary: string;
  /** Whether it samples nothing. */
  readonly exact: boolean;
  /** Whether it explains a list of inputs together, as one. */
  readonly isGlobal: boolean;
  /** Those of the request that only this method has. */
  readonly parameters: S;
  /**
   * Reads what it needs of the version and the inputs, and says what it will cost.
   * @throws ApiError that says what is missing, or what can be explained instead
   */
  plan(request: ExplanationRequest<z.output<S>>): Promise<PlannedExplanation>;
  /**
   * Whether it is the one for a version when the request names none: the first of the registry that says so.
   * @returns `false` without an error where it does not apply
   */
  suits(request: ExplanationRequest): Promise<boolean>;
}

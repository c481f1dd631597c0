import { ApiError, toApiError } from "../../domain/errors.ts";
import type { ExplanationSpace } from "../../domain/explanation/explanation.ts";
import type { ExplainedVersion } from "../../explain/explained-version.ts";
import { inapplicableParameters } from "../../explain/media/open-media.ts";
import type {
  ExplanationMethod,
  ExplanationRequest,
  PlannedExplanation,
} from "../../explain/method.ts";
import { parseParameters } from "../../tasks/parameters.ts";
import { chooseMethod } from "./choose-method.ts";
import type { ParsedParameters } from "./explanation-parameters.ts";
import type { RunBudget } from "./run-budget.ts";
import { splitExplained, splitTable } from "./split-explained.ts";

/** An explanation whose cost is known, before it is made. */
export interface PreparedExplanation {
  readonly method: ExplanationMethod;
  readonly space: ExplanationSpace;
  /** Rows that the model will be run for, at most. */
  readonly runs: number;
  readonly isList: boolean;
  /** One for each input. */
  readonly plans: readonly PlannedExplanation[];
  /** Makes them, one after the other. @throws ApiError */
  explain(): Promise<unknown>;
}

export interface PrepareOptions {
  readonly methods: readonly ExplanationMethod[];
  readonly version: ExplainedVersion;
  readonly inputs: unknown;
  readonly parameters: ParsedParameters;
  readonly budget: RunBudget;
  /** Runs of the deployment. */
  readonly limit: number;
}

/**
 * Splits the inputs, chooses the method, and plans.
 * @throws ApiError for what is not valid or cannot be explained, and for more runs than there may be
 */
export async function prepare(options: PrepareOptions): Promise<PreparedExplanation> {
  const { version, budget, parameters, methods, limit } = options;
  const { common, ofTable } = parameters;
  const isGlobal = parameters.method?.isGlobal === true;
  const { inputs, isList } = isGlobal
    ? { inputs: [await splitTable(version, options.inputs, ofTable)], isList: false }
    : await splitExplained(version, options.inputs, ofTable);
  const share = (runs: number): number => Math.floor(runs / inputs.length);
  const requestOf = (input: unknown, own: Own): ExplanationRequest<Own> => ({
    version,
    inputs: input,
    space: common.space,
    output: common.output,
    maxRuns: common.max_runs === undefined ? undefined : Math.max(1, share(common.max_runs)),
    limit: Math.max(1, share(limit)),
    seed: common.seed,
    background: common.background,
    backgroundRows: common.background_rows,
    parameters: own,
  });
  const method =
    parameters.method ?? (await chooseMethod(methods, requestOf(inputs[0], { ...parameters.own })));
  const others = inapplicableParameters(version.model.manifest);
  const valid = Object.keys(method.parameters.shape).filter((name) => !others.includes(name));
  const own = parseParameters(method.parameters.strict(), parameters.own, valid);
  const plans: PlannedExplanation[] = [];
  for (const [index, input] of inputs.entries()) {
    await version.call.checkpoint();
    plans.push(await atInput(isList ? index : undefined, () => method.plan(requestOf(input, own))));
  }
  const runs = plans.reduce((sum, plan) => sum + plan.runs, 0);
  budget.announce(runs);
  const [first] = plans;
  if (!first) throw new Error("there is nothing to explain");
  return {
    method,
    space: first.space,
    runs,
    isList,
    plans,
    async explain() {
      if (!isList) return first.explain();
      const explanations: object[] = [];
      for (const [index, plan] of plans.entries()) {
        await version.call.checkpoint();
        explanations.push(await atInput(index, () => plan.explain()));
      }
      return explanations;
    },
  };
}

type Own = Record<string, unknown>;

/** Says of an error which of several inputs it is about. */
async function atInput<T>(index: number | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message, details, cause, kind } = toApiError(error);
    if (index === undefined || kind.status !== 400) throw error;
    throw new ApiError(code, aboutInput(message, index), {
      cause,
      ...(details && { details }),
    });
  }
}

/** What names the input by what it is for its own explanation, alone, names it by its index. */
function aboutInput(message: string, index: number): string {
  const named = message.replace(/^(?:inputs|"inputs")(?= )/, `inputs[${index}]`);
  return named === message ? `inputs[${index}]: ${message}` : named;
}

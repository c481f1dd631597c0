import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import type { Explanation } from "../../domain/explanation/explanation.ts";
import { formatModelId } from "../../domain/model-id.ts";
import { quote } from "../../shared/quote.ts";
import type { ExplanationMethod, ExplanationRequest, PlannedExplanation } from "../method.ts";
import { createTableReader } from "../table/table-reader.ts";
import { lastOf, refuseRows } from "./global-table.ts";

/** Rows of a request: each is an explanation of its own. */
const MAX_ROWS = 1000;

/** Parts of a streamed answer. */
const STEPS = 20;

const parameters = z.object({
  by: z
    .string()
    .max(64)
    .optional()
    .describe(
      "Of mean_absolute: the method that explains each row, such as tree or permutation. By default the one that suits the model.",
    ),
});

type Request = ExplanationRequest<z.output<typeof parameters>>;

/**
 * The mean sizes of the values of many rows.
 * @param methods those that explain a row
 */
export function createMeanAbsoluteMethod(
  methods: readonly ExplanationMethod[],
): ExplanationMethod<typeof parameters> {
  return {
    name: "mean_absolute",
    summary:
      "How much each feature has added to the outputs of the rows, without its sign: the mean over all rows of the request.",
    exact: true,
    isGlobal: true,
    parameters,
    suits: async () => false,
    plan: (request) => plan(methods, request),
  };
}

async function plan(
  methods: readonly ExplanationMethod[],
  request: Request,
): Promise<PlannedExplanation> {
  const { version, parameters: own } = request;
  const reader = await createTableReader(version);
  const rows = await reader.split(request.inputs);
  refuseRows(rows.length, MAX_ROWS);
  const share = (runs: number): number => Math.max(1, Math.floor(runs / rows.length));
  const toRequest = (inputs: unknown): ExplanationRequest<Record<string, unknown>> => ({
    ...request,
    inputs,
    // Over many rows there is no predicted output.
    output: request.output ?? "all",
    maxRuns: request.maxRuns === undefined ? undefined : share(request.maxRuns),
    limit: share(request.limit),
    parameters: {},
  });
  const method = await chooseMethod(methods, own.by, toRequest(rows[0]));
  const defaults = method.parameters.parse({});
  const planRow = (row: unknown): Promise<PlannedExplanation> =>
    method.plan({ ...toRequest(row), parameters: defaults });
  // Plans of all rows would keep the background of each: only their costs are kept.
  const costs: Pick<PlannedExplanation, "space" | "runs">[] = [];
  for (const row of rows) {
    await version.call.checkpoint();
    const { space, runs } = await planRow(row);
    costs.push({ space, runs });
  }
  const explain = (): AsyncGenerator<object> => explainRows(version, method.name, rows, planRow);
  return {
    space: costs[0]?.space ?? "output",
    runs: costs.reduce((sum, { runs }) => sum + runs, 0),
    explain: () => lastOf(explain()),
    stream: explain,
  };
}

/** What is known after a part of the rows, and in the end. */
async function* explainRows(
  { call }: Request["version"],
  by: string,
  rows: readonly unknown[],
  planRow: (row: unknown) => Promise<PlannedExplanation>,
): AsyncGenerator<object> {
  const every = Math.ceil(rows.length / STEPS);
  let sums: number[][] = [];
  let runs = 0;
  let exact = true;
  let seed: number | null = null;
  for (const [index, row] of rows.entries()) {
    await call.checkpoint();
    const found = (await (await planRow(row)).explain()) as Explanation;
    sums = add(sums, found.values);
    runs += found.runs;
    exact &&= found.exact;
    seed ??= found.seed;
    const done = index + 1;
    const isLast = done === rows.length;
    if (!isLast && done % every !== 0) continue;
    const { space, output_names, feature_names } = found;
    const means = sums.map((ofOutputs) => ofOutputs.map((sum) => sum / done));
    const values = output_names.length === 1 ? means.map(([mean]) => mean) : means;
    yield isLast
      ? {
          method: "mean_absolute",
          by,
          exact,
          space,
          output_names,
          feature_names,
          values,
          rows: done,
          runs,
          seed,
        }
      : { rows: done, of: rows.length, values };
  }
}

function add(sums: readonly number[][], values: Explanation["values"]): number[][] {
  return values.map((value, feature) =>
    (typeof value === "number" ? [value] : value).map(
      (one, output) => (sums[feature]?.[output] ?? 0) + Math.abs(one),
    ),
  );
}

/** @throws ApiError `invalid_request` */
async function chooseMethod(
  methods: readonly ExplanationMethod[],
  by: string | undefined,
  request: ExplanationRequest,
): Promise<ExplanationMethod> {
  if (by === undefined) {
    for (const method of methods) if (await method.suits(request)) return method;
    throw new ApiError(
      "invalid_request",
      `No method suits ${formatModelId(request.version.model)}: name one by "parameters.by", such as permutation.`,
      { details: { field: "parameters.by" } },
    );
  }
  const method = methods.find(({ name }) => name === by);
  if (method) return method;
  const valid = methods.map(({ name }) => name);
  throw new ApiError(
    "invalid_request",
    `"parameters.by" must be one of ${valid.join(", ")}; got ${quote(by)}.`,
    { details: { field: "parameters.by", valid } },
  );
}

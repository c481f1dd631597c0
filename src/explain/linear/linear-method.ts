import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import { formatModelId } from "../../domain/model-id.ts";
import { type ChosenOutputs, chooseOutputs } from "../choose-outputs.ts";
import { enumerate, MAX_EXACT_PLAYERS } from "../estimators/exact.ts";
import type { ExplainableGraph } from "../graph/explainable-graph.ts";
import { type GraphOutputs, graphOutputs, hasSpace } from "../graph/graph-outputs.ts";
import { readExplainableGraph } from "../graph/read-explainable-graph.ts";
import type { ExplanationMethod, ExplanationRequest, PlannedExplanation } from "../method.ts";
import { readBackground } from "../table/background.ts";
import { createTableReader, isTable, type Table } from "../table/table-reader.ts";
import { toExplanation } from "../to-explanation.ts";
import { marginsOf } from "../trees/link-multipliers.ts";
import {
  constantScores,
  contributionsOf,
  type LinearGraph,
  meanOf,
  scoresOf,
} from "./contributions.ts";
import { createLinearGame, differingColumns } from "./linear-game.ts";

const parameters = z.strictObject({});

/** Exact values of linear models, of the graph alone. */
export const linearMethod: ExplanationMethod<typeof parameters> = {
  name: "linear",
  summary:
    "Exact Shapley values of linear and logistic models, and of others whose score is a sum over columns, computed of the model's graph without running it.",
  exact: true,
  isGlobal: false,
  parameters,
  plan,
  async suits(request) {
    const { version, space } = request;
    if (!isTable(version.model.manifest)) return false;
    const graph = await readExplainableGraph(version);
    if ("reason" in graph || !isLinear(graph)) return false;
    if (!hasSpace(version.model.manifest, graph.head.links, space)) return false;
    const { isLinked } = graphOutputs(version.model.manifest, graph.head.links, space);
    return !isLinked || graph.columns.columns <= MAX_EXACT_PLAYERS;
  },
};

/** A row and the background, as what their columns add to the scores. */
interface LinearQuestion {
  readonly graph: LinearGraph;
  readonly outputs: GraphOutputs;
  readonly table: Table;
  readonly constants: Float64Array;
  readonly row: Float64Array;
  readonly background: readonly Float64Array[];
  /** Whether the background rows were drawn. */
  readonly isDrawn: boolean;
}

async function plan(request: ExplanationRequest): Promise<PlannedExplanation> {
  const question = await readQuestion(request);
  const { graph, outputs, row, background } = question;
  if (outputs.isLinked)
    checkPlayers(request, differingColumns(row, background, graph.head.targets));
  return {
    space: outputs.space,
    runs: 0,
    async explain() {
      const { constants, table } = question;
      refuseOverflow(row, table.featureNames, graph.head.targets);
      const margins = marginsOf(graph.head.links, scoresOf(constants, row));
      const chosen = chooseOutputs(request.output, outputs.names, outputs.predicted(margins));
      const found = outputs.isLinked
        ? await explainOutputs(request, question, chosen)
        : explainMargins(question, chosen, margins);
      return toExplanation({
        method: linearMethod.name,
        exact: true,
        space: outputs.space,
        outputs: chosen,
        featureNames: table.featureNames,
        data: table.data[0] ?? [],
        ...found,
        runs: 0,
        seed: question.isDrawn ? request.seed : undefined,
      });
    },
  };
}

async function readQuestion(request: ExplanationRequest): Promise<LinearQuestion> {
  const { version } = request;
  const checkpoint = () => version.call.checkpoint();
  const reader = await createTableReader(version);
  const graph = await readLinear(request);
  const outputs = graphOutputs(version.model.manifest, graph.head.links, request.space);
  const table = await reader.read(request.inputs);
  if (table.columns !== graph.columns.columns)
    throw notExplained(request, `the model reads rows of ${graph.columns.columns} columns`);
  const background = await readBackground(reader, request);
  const [row = new Float64Array()] = await contributionsOf(graph, table, checkpoint);
  return {
    graph,
    outputs,
    table,
    constants: constantScores(graph),
    row,
    background: await contributionsOf(graph, background, checkpoint),
    isDrawn: background.isDrawn,
  };
}

/** @throws ApiError `invalid_request` for a model of another kind */
async function readLinear(request: ExplanationRequest): Promise<LinearGraph> {
  const graph = await readExplainableGraph(request.version);
  if ("reason" in graph) throw notExplained(request, graph.reason);
  if (isLinear(graph)) return graph;
  throw notExplained(request, 'the model has trees: the method "tree" explains it');
}

function isLinear(graph: ExplainableGraph): graph is LinearGraph {
  return graph.head.kind === "linear";
}

/**
 * The engine computes in FP32, and would return infinity or NaN.
 * @throws ApiError `inference_failed` that names the column
 */
function refuseOverflow(row: Float64Array, names: readonly string[], targets: number): void {
  for (const [at, value] of row.entries())
    if (!Number.isFinite(Math.fround(value)))
      throw new ApiError(
        "inference_failed",
        `What the column "${names[Math.floor(at / targets)]}" adds to the model's score is beyond what FP32 holds: the input is outside what the model can compute.`,
      );
}

/** What a column adds more than it adds in the background on average. */
function explainMargins(
  { graph, row, background, constants }: LinearQuestion,
  { indices }: ChosenOutputs,
  margins: Float64Array,
) {
  const { targets, links } = graph.head;
  const mean = meanOf(background);
  const bases = marginsOf(links, scoresOf(constants, mean));
  const values = new Float64Array(graph.columns.columns * indices.length);
  for (let column = 0; column < graph.columns.columns; column++)
    for (const [at, output] of indices.entries()) {
      const { target, sign } = links.outputs[output] ?? { target: 0, sign: 1 };
      const place = column * targets + target;
      values[column * indices.length + at] =
        sign * ((row[place] as number) - (mean[place] as number));
    }
  return {
    base: indices.map((output) => bases[output] ?? 0),
    output: indices.map((output) => margins[output] ?? 0),
    values,
  };
}

/** What the columns add to outputs that are no sums, by all coalitions. */
async function explainOutputs(
  request: ExplanationRequest,
  { graph, row, background, constants }: LinearQuestion,
  { indices }: ChosenOutputs,
) {
  const { head, columns } = graph;
  const players = differingColumns(row, background, head.targets);
  const game = createLinearGame({
    constants,
    row,
    background,
    links: head.links,
    outputs: indices,
    columns: players,
  });
  const { values, base, full } = await enumerate(game, () => request.version.call.checkpoint());
  const ofColumns = new Float64Array(columns.columns * indices.length);
  for (const [player, column] of players.entries())
    for (let at = 0; at < indices.length; at++)
      ofColumns[column * indices.length + at] = values[player * indices.length + at] as number;
  return { base, output: full, values: ofColumns };
}

/** @throws ApiError `invalid_request` for more columns than are enumerated */
function checkPlayers({ version }: ExplanationRequest, { length }: readonly number[]): void {
  if (length <= MAX_EXACT_PLAYERS) return;
  throw new ApiError(
    "invalid_request",
    `"parameters" are not valid for this model: what ${length} columns of ${formatModelId(version.model)} add to a probability is no sum, and the method "linear" enumerates their coalitions up to ${MAX_EXACT_PLAYERS} columns. Send space "margin", or the method "kernel" or "permutation".`,
    {
      details: {
        field: "space",
        actual: length,
        limit: MAX_EXACT_PLAYERS,
        valid: ["margin"],
      },
    },
  );
}

function notExplained({ version }: ExplanationRequest, why: string): ApiError {
  return new ApiError(
    "invalid_request",
    `The method "linear" does not explain ${formatModelId(version.model)}: ${why}. Leave method out for one that does.`,
    { details: { field: "method" } },
  );
}

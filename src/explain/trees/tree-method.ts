import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import { formatModelId } from "../../domain/model-id.ts";
import { chooseOutputs } from "../choose-outputs.ts";
import type { ExplainableGraph } from "../graph/explainable-graph.ts";
import { graphOutputs, hasSpace } from "../graph/graph-outputs.ts";
import { readExplainableGraph } from "../graph/read-explainable-graph.ts";
import type { ExplanationMethod, ExplanationRequest, PlannedExplanation } from "../method.ts";
import { readBackground } from "../table/background.ts";
import { createTableReader, isTable, type Table } from "../table/table-reader.ts";
import { toExplanation } from "../to-explanation.ts";
import { scoresOf } from "./compiled-forest.ts";
import { explainByBackground, type TreeQuestion, type TreeValues } from "./interventional.ts";
import { type ForestGraph, type KeptForest, keepForest } from "./kept-forest.ts";
import { marginsOf } from "./link-multipliers.ts";
import { explainByCovers } from "./path-dependent.ts";

const parameters = z.object({
  perturbation: z
    .enum(["interventional", "path_dependent"])
    .optional()
    .describe(
      "What unknown columns of trees are: those of background rows, or both branches by their rows of the training data, where the model has them. The default is the first, or the second without background rows.",
    ),
});

type TreeRequest = ExplanationRequest<z.output<typeof parameters>>;

/** Exact values of trees, of the graph alone. */
export const treeMethod: ExplanationMethod<typeof parameters> = {
  name: "tree",
  summary:
    "Exact Shapley values of decision trees, random forests and gradient boosting, computed of the model's graph without running it (TreeSHAP).",
  exact: true,
  isGlobal: false,
  parameters,
  plan,
  suits: async ({ version, space }) => {
    const { manifest } = version.model;
    if (!isTable(manifest)) return false;
    const graph = await readExplainableGraph(version);
    return !("reason" in graph) && isForest(graph) && hasSpace(manifest, graph.head.links, space);
  },
};

async function plan(request: TreeRequest): Promise<PlannedExplanation> {
  const { version } = request;
  const { manifest } = version.model;
  const reader = await createTableReader(version);
  const graph = await readForest(request);
  const { links } = graph.head;
  const outputs = graphOutputs(manifest, links, request.space);
  const table = await reader.read(request.inputs);
  if (table.columns !== graph.columns.columns)
    throw notExplained(request, `rows of ${graph.columns.columns} columns`);
  const kept = await keepForest(graph, version.call);
  const background = await backgroundOf(request, kept, reader);
  if (!background && outputs.isLinked)
    throw new ApiError(
      "invalid_request",
      `"parameters" are not valid for this model: with perturbation path_dependent, space must be margin; got ${outputs.space}.`,
      { details: { field: "space", valid: ["margin"] } },
    );
  return {
    space: outputs.space,
    runs: 0,
    async explain() {
      const [row = new Float64Array()] = kept.features(table);
      const margins = marginsOf(links, scoresOf(kept.forest, row));
      const chosen = chooseOutputs(request.output, outputs.names, outputs.predicted(margins));
      const { isLinked } = outputs;
      const question = { row, outputs: chosen.indices, links, isLinked };
      return toExplanation({
        method: treeMethod.name,
        // After a link the margin's values are scaled: they add up, and are not the Shapley values of the probability.
        exact: !isLinked,
        space: outputs.space,
        outputs: chosen,
        featureNames: table.featureNames,
        data: table.data[0] ?? [],
        ...(await explainRow(request, kept, background, question)),
        runs: 0,
      });
    },
  };
}

/** @throws ApiError `invalid_request` for a model of another kind */
async function readForest(request: TreeRequest): Promise<ForestGraph> {
  const graph = await readExplainableGraph(request.version);
  if ("reason" in graph) throw notExplained(request, graph.reason);
  if (isForest(graph)) return graph;
  throw notExplained(request, 'the model is linear: the method "linear" explains it');
}

function isForest(graph: ExplainableGraph): graph is ForestGraph {
  return graph.head.kind === "forest";
}

/** @returns `undefined` where the covers of the trees stand for background rows */
async function backgroundOf(
  request: TreeRequest,
  { forest }: KeptForest,
  reader: Awaited<ReturnType<typeof createTableReader>>,
): Promise<Table | undefined> {
  const { perturbation } = request.parameters;
  if (perturbation === "path_dependent") {
    if (forest.covers) return undefined;
    throw new ApiError(
      "invalid_request",
      `"parameters" are not valid for this model: perturbation must be interventional, as the trees of ${formatModelId(request.version.model)} do not say how many rows reached their nodes (nodes_hitrates).`,
      { details: { field: "perturbation", valid: ["interventional"] } },
    );
  }
  try {
    return await readBackground(reader, request);
  } catch (error) {
    const isMissing = error instanceof ApiError && error.code === "background_missing";
    if (isMissing && perturbation === undefined && forest.covers) return undefined;
    throw error;
  }
}

async function explainRow(
  request: TreeRequest,
  kept: KeptForest,
  table: Table | undefined,
  question: TreeQuestion,
): Promise<TreeValues> {
  const { forest } = kept;
  const checkpoint = () => request.version.call.checkpoint();
  if (table) {
    const isKept = request.background === undefined;
    const background = await kept.background(table, isKept, checkpoint);
    return await explainByBackground(forest, background, question, checkpoint);
  }
  return await explainByCovers(forest, forest.covers ?? new Float64Array(), question, checkpoint);
}

function notExplained({ version }: TreeRequest, why: string): ApiError {
  return new ApiError(
    "invalid_request",
    `The method "tree" does not explain ${formatModelId(version.model)}: ${why}. Leave method out for one that does.`,
    { details: { field: "method" } },
  );
}

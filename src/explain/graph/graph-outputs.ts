import { ApiError } from "../../domain/errors.ts";
import type { ExplanationSpace } from "../../domain/explanation/explanation.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { formatModelId } from "../../domain/model-id.ts";
import type { Link, Links } from "./explainable-graph.ts";

/** What of the outputs that a graph computes is explained, and as what. */
export interface GraphOutputs {
  readonly space: ExplanationSpace;
  /** Whether the outputs are explained as they are after the link, and not their margins. */
  readonly isLinked: boolean;
  /** The labels, or the indices of numbers. */
  readonly names: readonly string[];
  /** The index that is explained when the request names none. @param margins of the row that is explained, one an output */
  predicted(margins: ArrayLike<number>): number;
}

/** Links that make probabilities of margins. */
const PROBABILITY_LINKS: ReadonlySet<Link> = new Set(["logistic", "softmax", "one_vs_rest"]);
/** Links whose results are not explained. */
const MARGIN_LINKS: ReadonlySet<Link> = new Set(["softmax_zero", "probit"]);

/**
 * @param wanted the space of the request; the first that the model has when left out
 * @throws ApiError `invalid_request` for a space that the model does not have
 */
export function graphOutputs(
  manifest: Manifest,
  links: Links,
  wanted: ExplanationSpace | undefined,
): GraphOutputs {
  const { labels = [], postprocess } = manifest;
  const isClassifier = postprocess?.type === "classification";
  const valid = spacesOf(links, isClassifier);
  const space = wanted ?? (valid[0] as ExplanationSpace);
  if (!valid.includes(space))
    throw new ApiError(
      "invalid_request",
      `"parameters" are not valid for this model: the graph of ${formatModelId(manifest)} has no space ${space}. Leave it out, or send ${valid.join(" or ")}.`,
      { details: { field: "space", valid } },
    );
  const width = links.outputs.length;
  return {
    space,
    isLinked: space !== "margin" && links.link !== "none",
    names: namesOf(manifest, width, labels),
    predicted: (margins) => (isClassifier ? greatest(margins) : 0),
  };
}

/** Whether the graph has a space: the method may be chosen for a request that wants it. */
export function hasSpace(
  { postprocess }: Manifest,
  links: Links,
  wanted: ExplanationSpace | undefined,
): boolean {
  const isClassifier = postprocess?.type === "classification";
  return wanted === undefined || spacesOf(links, isClassifier).includes(wanted);
}

/** The default first. */
function spacesOf({ link, probabilities }: Links, isClassifier: boolean): ExplanationSpace[] {
  if (probabilities) return ["probability", "output"];
  if (PROBABILITY_LINKS.has(link)) return ["margin", "probability", "output"];
  if (MARGIN_LINKS.has(link)) return ["margin"];
  if (link !== "none") return ["output", "margin"];
  return isClassifier ? ["margin", "output"] : ["output"];
}

function namesOf(
  { postprocess, outputs }: Manifest,
  width: number,
  labels: readonly string[],
): readonly string[] {
  if (postprocess?.type !== "regression" && labels.length === width) return labels;
  const name = postprocess?.type === "regression" ? postprocess.output : outputs[0]?.name;
  if (width === 1 && name !== undefined) return [name];
  return Array.from({ length: width }, (_, index) => String(index));
}

function greatest(margins: ArrayLike<number>): number {
  let best = 0;
  for (let index = 1; index < margins.length; index++)
    if ((margins[index] as number) > (margins[best] as number)) best = index;
  return best;
}

import {
  type ImageSegmentationBlock,
  imageSegmentationBlock,
} from "../../domain/blocks/postprocess/image-segmentation.ts";
import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import type { Postprocessor, Predictions } from "../postprocessor.ts";
import type { WriteRow } from "./encode-grey-png.ts";
import { type GridAxes, gridAxes, type Planes, planesOf, toImageMetadata } from "./image-grid.ts";
import { highestOfCells, type LabelMap, labelsIn, mapHighest, mapNearest } from "./label-map.ts";
import { encodeMask } from "./mask.ts";
import { createMatte, matteRows, scoreOf } from "./matte.ts";
import { scoresOfLabels } from "./segment-scores.ts";

/** From which probability on a cell counts as part of a mask of levels. */
const HALF = 0.5;

/** A label, and where it is in the image. */
export interface ImageSegment {
  readonly label: string;
  readonly score?: number;
  /** Base64 of a PNG file. */
  readonly mask: string;
}

/** A segment whose mask is not encoded yet. */
interface Found {
  readonly label: number;
  readonly score: number | undefined;
  readonly writeRow: WriteRow;
}

/** Labels with their masks, best first: the shape of Hugging Face's image segmentation. */
export function createImageSegmentationPostprocessor(
  block: ImageSegmentationBlock,
  labels: readonly string[],
): Postprocessor<typeof imageSegmentationBlock.parameters, Promise<Predictions>> {
  const wanted = labels.map((label) => !block.ignoreLabels.includes(label));
  const find = { logits: findHighest, classes: findClasses, mattes: findMattes }[block.form];

  return {
    outputs: [block.output],
    parameters: imageSegmentationBlock.parameters,
    async toPredictions([result], metadata, parameters, checkpoint = async () => {}) {
      const { threshold = block.scoreThreshold, mask_threshold } = parameters;
      if (mask_threshold !== undefined && block.form !== "mattes") throw noMaskThreshold(block);
      const planes = block.form === "classes" ? 1 : labels.length;
      const items = planesOf(result, block.layout, metadata.length, planes);
      const predictions: ImageSegment[][] = [];
      for (const [item, itemMetadata] of metadata.entries()) {
        const image = toImageMetadata(itemMetadata, block.type);
        const ofItem = items[item] as Planes;
        const found = await find(ofItem, {
          axes: gridAxes(image, ofItem),
          maskThreshold: mask_threshold ?? block.maskThreshold,
          checkpoint,
        });
        const segments: ImageSegment[] = [];
        for (const { label, score, writeRow } of found.sort(bestFirst)) {
          if (!wanted[label] || (score !== undefined && score < threshold)) continue;
          const mask = await encodeMask(image.width, image.height, writeRow, checkpoint);
          segments.push({
            label: labels[label] ?? "",
            ...(score !== undefined && { score }),
            mask,
          });
          await checkpoint();
        }
        predictions.push(segments);
      }
      return predictions;
    },
  };

  async function findHighest(planes: Planes, { axes, checkpoint }: Search): Promise<Found[]> {
    const best = highestOfCells(planes);
    const scores = scoresOfLabels(planes, best, block.activation);
    await checkpoint();
    const map = await mapHighest(planes, best, axes, checkpoint);
    const found = await labelsIn(map, labels.length, checkpoint);
    return found.map((label) => ({ label, score: scores[label], writeRow: rowsOf(map, label) }));
  }

  async function findClasses(planes: Planes, { axes, checkpoint }: Search): Promise<Found[]> {
    const map = await mapNearest(planes, labels.length, axes, checkpoint);
    const found = await labelsIn(map, labels.length, checkpoint);
    return found.map((label) => ({ label, score: undefined, writeRow: rowsOf(map, label) }));
  }

  async function findMattes(planes: Planes, { axes, maskThreshold }: Search): Promise<Found[]> {
    return labels.flatMap((_, label) => {
      const matte = createMatte(planes, label, block.activation === "sigmoid");
      const score = scoreOf(matte, maskThreshold ?? HALF);
      if (score === undefined) return [];
      return [{ label, score, writeRow: matteRows(matte, axes, maskThreshold) }];
    });
  }
}

interface Search {
  readonly axes: GridAxes;
  readonly maskThreshold: number | undefined;
  readonly checkpoint: Call["checkpoint"];
}

const bestFirst = (a: Found, b: Found): number =>
  (b.score ?? 0) - (a.score ?? 0) || a.label - b.label;

function rowsOf({ labels, width }: LabelMap, label: number): WriteRow {
  return (y, row) => {
    const start = y * width;
    for (let x = 0; x < width; x++) row[x] = labels[start + x] === label ? 255 : 0;
  };
}

function noMaskThreshold({ form }: ImageSegmentationBlock): ApiError {
  const why =
    form === "logits"
      ? "each pixel has the label with the highest score"
      : "the model returns one label for each pixel";
  return new ApiError(
    "invalid_request",
    `"parameters" are not valid for this model: mask_threshold has no effect, because ${why}. Leave it out.`,
    { details: { field: "mask_threshold" } },
  );
}

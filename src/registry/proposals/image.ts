import { proposeImage } from "./image-block.ts";
import type { ProposeTask } from "./proposal.ts";
import { probesOf, proposeClassification } from "./scores.ts";

export const proposeImageClassification: ProposeTask = async (task, input) => {
  const { spec, preprocess, notes } = proposeImage(task, input, "crop");
  const { width, height } =
    preprocess.resize.mode === "shortest-edge" ? preprocess.resize.crop : preprocess.resize;
  const channels = preprocess.color === "GRAY" ? 1 : 3;
  const shape =
    preprocess.layout === "NCHW" ? [1, channels, height, width] : [1, height, width, channels];
  const rest = await proposeClassification(task, input, probesOf([{ ...spec, shape }]));
  return { ...rest, task, preprocess, files: [], notes: [...notes, ...rest.notes] };
};

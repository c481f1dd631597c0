import { occlusion } from "../estimators/occlusion.ts";
import type { ExplanationMethod } from "../method.ts";
import { mediaParametersSchema } from "./media-parameters.ts";
import { mediaKindOf } from "./open-media.ts";
import { planMedia } from "./plan-media.ts";

/** Leaves out the parts of a text, a picture or a sound, one at a time. */
export const occlusionMethod: ExplanationMethod<typeof mediaParametersSchema> = {
  name: "occlusion",
  summary:
    "Leaves out one part at a time, a word of a text, a cell of a picture or a window of a recording, and says what is lost without it.",
  exact: true,
  isGlobal: false,
  parameters: mediaParametersSchema,
  plan: (request) => planMedia(occlusion, request),
  suits: async ({ version }) => mediaKindOf(version.model.manifest) !== undefined,
};

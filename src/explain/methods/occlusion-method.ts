import { occlusion } from "../estimators/occlusion.ts";
import { mediaParametersSchema } from "../media/media-parameters.ts";
import { mediaKindOf } from "../media/open-media.ts";
import { planMedia } from "../media/plan-media.ts";
import type { ExplanationMethod } from "../method.ts";

/** What is lost without each part of a text, a picture or a recording. */
export const occlusionMethod: ExplanationMethod<typeof mediaParametersSchema> = {
  name: "occlusion",
  summary:
    "Leaves out one part at a time, a word of a text, a cell of a picture or a window of a recording, and says what is lost without it.",
  exact: true,
  isGlobal: false,
  parameters: mediaParametersSchema,
  plan: (request) =>
    planMedia({ name: "occlusion", estimator: () => occlusion, inSegments: false }, request),
  suits: async ({ version }) => mediaKindOf(version.model.manifest) !== undefined,
};

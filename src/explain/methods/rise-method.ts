import * as z from "zod";
import { mediaParameters } from "../media/media-parameters.ts";
import { openPictureBlocks } from "../media/open-media.ts";
import type { ExplanationMethod } from "../method.ts";
import { planRise } from "../picture/plan-rise.ts";

const parameters = z.strictObject({
  grid: mediaParameters.grid,
  fill: mediaParameters.fill,
  settled_at: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe(
      "Of rise: no more masks are drawn once the maps of their two halves correlate as much; 1 draws all of them.",
    ),
});

/** How much more the model sees in a picture where random masks show a point. */
export const riseMethod: ExplanationMethod<typeof parameters> = {
  name: "rise",
  summary:
    "Shows a picture through random masks, and says of each point how much higher the output is where it is shown.",
  exact: false,
  isGlobal: false,
  parameters,
  async plan(request) {
    const { form, blocks } = await openPictureBlocks(request.version);
    return planRise(form, request, blocks);
  },
  suits: async () => false,
};

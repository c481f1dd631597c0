import * as z from "zod";
import { CANARY_OUTCOMES } from "../monitoring/canary-report.ts";
import { CANARY_METRICS } from "../monitoring/manifest-monitoring.ts";
import { eventHead, model, version } from "./fields.ts";

export const canaryEventSchema = z
  .strictObject({
    ...eventHead("canary"),
    model,
    alias: z.string().describe("The alias that is split."),
    stable: version.describe("The version that the alias stood for before."),
    version: version.describe("The version that is worse."),
    metric: z.enum(CANARY_METRICS).describe("By which it is worse."),
    significance: z
      .number()
      .describe(
        "The largest probability of what was seen by chance, however often it is looked at.",
      ),
    reason: z.string().describe("What was seen, in words."),
    outcome: z
      .enum(CANARY_OUTCOMES)
      .describe(
        "`rolled_back`: the version was taken out of the split; `reported`: the manifest does not ask for that; `changed`: somebody had changed the alias before.",
      ),
  })
  .readonly();

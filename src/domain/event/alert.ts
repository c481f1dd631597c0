import * as z from "zod";
import { RESOLUTIONS, TRANSITIONS } from "../alerts/alert.ts";
import { SEVERITIES } from "../alerts/alert-rule.ts";
import { eventHead } from "./fields.ts";

export const alertEventSchema = z
  .strictObject({
    ...eventHead("alert"),
    id: z.string().describe("Of the alert, from firing to resolved: `data.alert` of its messages."),
    rule: z.string().describe("The name of its rule."),
    kind: z.string().meta({ see: "alerts.md#kinds-of-rules" }).describe("The kind of its rule."),
    severity: z.enum(SEVERITIES).describe("As its rule says."),
    state: z.enum(TRANSITIONS).describe("Whether it begins or ends."),
    model: z.string().optional().describe("Absent of one of the service as a whole."),
    version: z.string().optional().describe("Absent of one of a model or the service as a whole."),
    value: z.number().describe("What was measured last, in the unit of the kind."),
    threshold: z.number().describe("Beyond which the alert fires."),
    resolution: z
      .enum(RESOLUTIONS)
      .optional()
      .describe("Why it has ended: the value was `clear`, there was `no_data`, or `rule_removed`."),
  })
  .readonly();

import * as z from "zod";
import { GUARD_KINDS } from "../event.ts";
import { eventHead } from "./fields.ts";

export const guardEventSchema = z
  .strictObject({
    ...eventHead("guard"),
    kind: z.enum(GUARD_KINDS).describe("What has begun or ended."),
    requestId: z.string().optional().describe("Of the request that showed it."),
    principal: z.string().optional().describe("The label of whom it is about."),
    isAccepted: z
      .boolean()
      .optional()
      .describe("Of a key in an outage: whether its requests go on."),
    issuer: z.string().optional().describe("The URL of the issuer of tokens."),
    problem: z.string().optional().describe("What the issuer answered."),
    network: z
      .string()
      .optional()
      .describe(
        "Of slowed guesses: the first three numbers of an IPv4 address or 48 bits of an IPv6 address, or `worker` and the zone of a Worker.",
      ),
  })
  .readonly();

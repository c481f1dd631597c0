import * as z from "zod";
import { SCOPES } from "../../domain/access/scope.ts";

export const sessionSchema = z.object({
  principal: z.string().describe("Whom the session is of, as in events."),
  scopes: z.array(z.enum(SCOPES)),
  models: z
    .array(z.string())
    .optional()
    .describe("Patterns of the models that it is for; all models when absent."),
  expiresAt: z.iso.datetime(),
});

export const endedSessionSchema = z.object({ ended: z.literal(true) });

import * as z from "zod";
import { eventHead } from "./fields.ts";

export const noticeEventSchema = z
  .strictObject({
    ...eventHead("notice"),
    message: z.string().describe("What the isolate has to say."),
  })
  .readonly();

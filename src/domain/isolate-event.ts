import type { z } from "zod";
import type { isolateEventSchema } from "./event/isolate.ts";

/** What the event of a request says of the isolate of its model. */
export type IsolateEvent = z.output<typeof isolateEventSchema>;

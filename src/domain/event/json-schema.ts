import * as z from "zod";
import { EVENT_DEFINITIONS } from "./registry.ts";

/** JSON Schema (draft 2020-12) of every event. Readers should ignore fields that they do not know: later versions add some. */
export function eventJsonSchema(): unknown {
  const [first, ...others] = Object.values(EVENT_DEFINITIONS).map(({ schema }) => schema);
  if (!first) throw new Error("there is no kind of events");
  return z.toJSONSchema(z.union([first, ...others]), {
    io: "input",
    override: ({ jsonSchema }) => {
      delete jsonSchema.see;
      // A reader of this version accepts what a later one adds.
      delete jsonSchema.additionalProperties;
    },
  });
}

import type { Context } from "hono";
import { modelNameIn } from "../domain/model-id.ts";
import type { AppEnv } from "./context.ts";

/** The name of the model in the path, without the version or alias after it. */
export function namedModel(c: Context<AppEnv>): string | undefined {
  const reference = c.req.param("model");
  return reference === undefined ? undefined : modelNameIn(reference);
}

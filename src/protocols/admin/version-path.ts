import type { Context } from "hono";
import { type ModelId, parseModelName, parseModelVersion } from "../../domain/model-id.ts";
import type { AppEnv } from "../../http/context.ts";
import type { Operation } from "../operation.ts";

/** Properties that the operations on one version share. */
export const VERSION = {
  kind: "admin",
  path: "/models/{model}/versions/{version}",
  access: "models:write",
  tag: "Administration",
} as const satisfies Partial<Operation>;

/** @throws ApiError `model_not_found`, `version_not_found` for what cannot exist */
export function parseVersionPath(c: Context<AppEnv>): ModelId {
  const name = parseModelName(c.req.param("model") ?? "");
  const version = parseModelVersion(name, c.req.param("version") ?? "");
  const trace = c.get("trace");
  trace.model = name;
  trace.version = version;
  return { name, version };
}

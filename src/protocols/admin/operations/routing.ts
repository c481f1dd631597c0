import { parseModelName, parseModelVersion } from "../../../domain/model-id.ts";
import type { Routing } from "../../../domain/routing.ts";
import { respond } from "../../../http/respond.ts";
import type { Operation } from "../../operation.ts";
import type { Services } from "../../services.ts";
import { parseCount } from "../parse-query.ts";
import { parseAliasName, parseTime } from "../routing-request.ts";
import { toRoutingState } from "../routing-response.ts";
import { json } from "../schemas.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** Properties that the read operations share. */
const READ = {
  kind: "admin",
  method: "get",
  access: "models:read",
  tag: "Administration",
  errors: ["model_not_found", "routing_corrupt", "storage_failed"],
} as const satisfies Partial<Operation>;

export const ROUTING_OPERATIONS: readonly Operation[] = [
  {
    ...READ,
    id: "getModelDetails",
    path: "/models/{model}",
    summary: "Get the versions and the routing of a model",
    responses: { 200: { description: "The model.", content: json("ModelDetails") } },
    handler: (services) => async (c) => {
      const name = parseModelName(c.req.param("model") ?? "");
      const routing = toRoutingState(name, await readModelRouting(services, name));
      const versions = await services.inspector.versions(name);
      return respond(c, JSON.stringify({ name, versions, routing }));
    },
  },
  {
    ...READ,
    id: "getVersionDetails",
    path: "/models/{model}/versions/{version}",
    summary: "Get the manifest of a model version",
    responses: {
      200: { description: "The manifest, and its signature.", content: json("VersionDetails") },
    },
    errors: [...READ.errors, "version_not_found", "model_corrupt", "signature_invalid"],
    handler:
      ({ inspector }) =>
      async (c) => {
        const name = parseModelName(c.req.param("model") ?? "");
        const version = parseModelVersion(name, c.req.param("version") ?? "");
        return respond(c, JSON.stringify(await inspector.version({ name, version })));
      },
  },
  {
    ...READ,
    id: "getRouting",
    path: "/models/{model}/routing",
    summary: "Get the routing of a model",
    description: "Which versions its aliases stand for, now or at an earlier time.",
    parameters: ["at"],
    responses: { 200: { description: "The routing.", content: json("RoutingState") } },
    errors: [...READ.errors, "invalid_request"],
    handler: (services) => async (c) => {
      const name = parseModelName(c.req.param("model") ?? "");
      const at = c.req.query("at");
      const time = at === undefined ? undefined : parseTime("at", at);
      const routing = await readModelRouting(services, name, time);
      return respond(c, JSON.stringify(toRoutingState(name, routing)));
    },
  },
  {
    ...READ,
    id: "getRoutingHistory",
    path: "/models/{model}/history",
    summary: "Get the changes of a model's routing",
    description: "Who changed what and when, newest first. No change is ever removed.",
    parameters: ["alias-filter", "limit", "before"],
    responses: { 200: { description: "The changes.", content: json("RoutingHistory") } },
    errors: [...READ.errors, "invalid_request"],
    handler: (services) => async (c) => {
      const name = parseModelName(c.req.param("model") ?? "");
      const alias = c.req.query("alias");
      const limit = parseCount("limit", c.req.query("limit"), 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
      const before = parseCount("before", c.req.query("before"), 1, Number.MAX_SAFE_INTEGER);
      await readModelRouting(services, name);
      const entries = await services.routing.history(name, {
        alias: alias === undefined ? undefined : parseAliasName(alias),
        limit,
        before,
      });
      return respond(c, JSON.stringify({ model: name, entries }));
    },
  },
];

/**
 * The routing of a model, which has versions, or had some.
 * @throws ApiError `model_not_found`, `routing_corrupt`, `storage_failed`
 */
async function readModelRouting(
  { catalog, routing }: Pick<Services, "catalog" | "routing">,
  name: string,
  at?: number,
): Promise<Routing> {
  const current = await routing.read(name, at);
  if (current.revision === 0) await catalog.find(name, 0);
  return current;
}

import { parseModelName } from "../../../domain/model-id.ts";
import { respond } from "../../../http/respond.ts";
import { RESOLVE_MODEL } from "../../error-groups.ts";
import type { Operation } from "../../operation.ts";
import { json } from "../schemas.ts";

export const SHADOW_OPERATIONS: readonly Operation[] = [
  {
    kind: "admin",
    id: "getShadow",
    method: "get",
    path: "/models/{model}/shadow",
    access: "models:read",
    tag: "Administration",
    summary: "Get the comparisons of a model's versions with their shadows",
    description:
      "Counts of the requests that were copied to the shadow of an alias, and of how the answers compared, by alias and pair of versions.",
    responses: {
      200: {
        description: "The counts of the isolate that handled the request, since it started.",
        content: json("ShadowStatistics"),
      },
    },
    errors: RESOLVE_MODEL,
    handler:
      ({ catalog, shadowStatistics }) =>
      async (c) => {
        const model = parseModelName(c.req.param("model") ?? "");
        c.get("trace").model = model;
        await catalog.resolve(model);
        return respond(c, JSON.stringify({ model, pairs: shadowStatistics.of(model) }));
      },
  },
];

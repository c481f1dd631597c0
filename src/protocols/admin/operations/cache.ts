import { EVENT_SCHEMA_VERSION } from "../../../domain/event.ts";
import { authorizeAllModels, authorizeModel } from "../../../http/authenticate.ts";
import { bodyOf } from "../../../http/receive.ts";
import { recordChange } from "../../../http/record-change.ts";
import { respond } from "../../../http/respond.ts";
import { READ_BODY } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { Operation } from "../../operation.ts";
import { parsePurgeRequest } from "../purge-request.ts";
import { json } from "../schemas.ts";

export const CACHE_OPERATIONS: readonly Operation[] = [
  {
    id: "purgeCache",
    kind: "admin",
    method: "post",
    path: "/cache/purge",
    access: "models:write",
    tag: "Administration",
    summary: "Purge cached predictions",
    description:
      'Purges the entries of a `model`, of one `version` of it, or of a `client`; `{"all": true}` alone purges all entries.',
    parameters: ["content-encoding"],
    body: {
      required: true,
      content: json("PurgeRequest", { model: { value: { model: "iris-logistic" } } }),
    },
    audit: { request: ["model", "version", "client", "all"] },
    responses: { 200: { description: "What was purged.", content: json("PurgeSummary") } },
    errors: [...READ_BODY, "empty_body", "storage_failed"],
    handler:
      ({ cache, sink }) =>
      async (c) => {
        const scope = parsePurgeRequest(parseJson(bodyOf(c)));
        if ("model" in scope && scope.model !== undefined) authorizeModel(c, scope.model);
        else authorizeAllModels(c);
        const { at, dropped, complete } = await cache.purge(scope);
        recordChange(c, { after: { dropped, complete } });
        sink.emit({
          event: "purge",
          schemaVersion: EVENT_SCHEMA_VERSION,
          time: at,
          requestId: c.get("requestId"),
          ...scope,
          dropped,
          complete,
        });
        return respond(c, JSON.stringify({ purged: scope, at, dropped, complete }));
      },
  },
];

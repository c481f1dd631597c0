import { tombstoneOf } from "../../../domain/routing.ts";
import { callOf } from "../../../http/call.ts";
import { recordChange } from "../../../http/record-change.ts";
import { respond } from "../../../http/respond.ts";
import { READ_BODY } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { Operation } from "../../operation.ts";
import { authorOf } from "../change-author.ts";
import { parseFlag } from "../parse-query.ts";
import { parseDeletion } from "../routing-request.ts";
import { toRoutingState } from "../routing-response.ts";
import { json } from "../schemas.ts";
import { parseVersionPath, VERSION } from "../version-path.ts";

export const DELETION_OPERATIONS: readonly Operation[] = [
  {
    ...VERSION,
    id: "deleteVersion",
    method: "delete",
    summary: "Delete a model version",
    description:
      "Deletes the version's files, what is cached and counted of it, and its number: only the same files may be published under it again. A version that an alias, a split, a shadow or the pinned default routes to is refused with 409, unless `force` is true: then it is removed from those routes too, in the same change, and an alias that is left without a version is removed. A deletion that was interrupted is completed by repeating it. The body says for the history who deletes it, and why.",
    parameters: ["force", "content-encoding"],
    body: {
      required: false,
      content: json("DeleteVersionRequest"),
    },
    audit: { request: ["actor", "note", "force"] },
    responses: {
      200: { description: "The deleted version.", content: json("DeletedVersion") },
    },
    errors: [
      ...READ_BODY,
      "model_not_found",
      "version_not_found",
      "version_in_use",
      "routing_conflict",
      "routing_corrupt",
      "storage_failed",
    ],
    handler:
      ({ deleter }) =>
      async (c) => {
        const id = parseVersionPath(c);
        const force = parseFlag("force", c.req.query("force"));
        const body = c.get("body");
        const author = authorOf(c, body.byteLength > 0 ? parseDeletion(parseJson(body)) : {});
        const deletion = deleter.delete(id, { force, author });
        // It is completed also if the client disconnects.
        callOf(c).waitUntil(deletion.catch(() => undefined));
        const { removedObjects, removedRoutes, routing } = await deletion;
        const { at: deletedAt, by: deletedBy } = tombstoneOf(routing, id.version) ?? {};
        recordChange(c, {
          ...(removedRoutes.length > 0 && { before: { routes: removedRoutes } }),
          after: { deletedAt, deletedBy, removedObjects },
        });
        return respond(
          c,
          JSON.stringify({
            deleted: id,
            removedObjects,
            removedRoutes,
            routing: toRoutingState(id.name, routing),
          }),
        );
      },
  },
];

import { authorizeAllModels } from "../../../http/authenticate.ts";
import { callOf } from "../../../http/call.ts";
import { recordChange } from "../../../http/record-change.ts";
import { respond } from "../../../http/respond.ts";
import { countCollected, toGarbageEvent } from "../../../registry/garbage-event.ts";
import { READ_BODY } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { Operation } from "../../operation.ts";
import { parseCollectGarbage, parseGarbageQuery } from "../garbage-request.ts";
import { toCollectedGarbage, toGarbage } from "../garbage-response.ts";
import { json } from "../schemas.ts";

const GARBAGE = {
  kind: "admin",
  path: "/gc",
  access: "models:write",
  tag: "Administration",
} as const satisfies Partial<Operation>;

export const GARBAGE_OPERATIONS: readonly Operation[] = [
  {
    ...GARBAGE,
    id: "listGarbage",
    method: "get",
    summary: "List objects that nothing needs",
    description:
      "What interrupted uploads, publications and deletions have left in storage. Changes nothing. A response covers up to 200 versions; `cursor` is where to go on.",
    parameters: ["olderThanSeconds", "cursor"],
    responses: { 200: { description: "The objects.", content: json("Garbage") } },
    errors: ["invalid_request", "storage_failed"],
    handler:
      ({ garbage }) =>
      async (c) => {
        authorizeAllModels(c);
        const query = parseGarbageQuery(c.req.query("olderThanSeconds"), c.req.query("cursor"));
        return respond(c, JSON.stringify(toGarbage(await garbage.find(query), query.olderThanMs)));
      },
  },
  {
    ...GARBAGE,
    id: "collectGarbage",
    method: "post",
    summary: "Remove objects that nothing needs",
    description:
      "A scheduled run does the same once a day. Objects of versions stay for two hours, because a publication that has not ended may need them. A response covers up to 200 versions; `cursor` is where to go on.",
    parameters: ["content-encoding"],
    body: {
      required: false,
      content: json("CollectGarbageRequest", { week: { value: { olderThanSeconds: 604_800 } } }),
    },
    audit: { request: ["olderThanSeconds", "keys", "cursor"] },
    responses: {
      200: { description: "What was removed.", content: json("CollectedGarbage") },
    },
    errors: [...READ_BODY, "storage_failed"],
    handler:
      ({ garbage, sink }) =>
      async (c) => {
        authorizeAllModels(c);
        const body = c.get("body");
        const request = parseCollectGarbage(body.byteLength > 0 ? parseJson(body) : {});
        const collecting = garbage.collect(request);
        callOf(c).waitUntil(collecting.catch(() => undefined));
        const collected = await collecting;
        const event = toGarbageEvent(countCollected([collected]), c.get("requestId"));
        const { removed, removedBytes, failed, complete } = event;
        recordChange(c, { after: { removed, removedBytes, failed, complete } });
        sink.emit(event);
        return respond(c, JSON.stringify(toCollectedGarbage(collected)));
      },
  },
];

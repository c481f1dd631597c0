import type { Context } from "hono";
import { parseModelName } from "../../../domain/model-id.ts";
import type { Routing } from "../../../domain/routing.ts";
import type { ChangeAuthor, RoutingChange } from "../../../domain/routing-change.ts";
import { callOf } from "../../../http/call.ts";
import type { AppEnv } from "../../../http/context.ts";
import { bodyOf } from "../../../http/receive.ts";
import { respond } from "../../../http/respond.ts";
import type { ChangeOptions } from "../../../registry/routing/routing-editor.ts";
import { READ_BODY } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { Operation, OtherOperation } from "../../operation.ts";
import { authorOf } from "../change-author.ts";
import { recordRouteChange } from "../record-route-change.ts";
import {
  type ChangeFields,
  parseAliasName,
  parseChange,
  parseRollback,
  parseSetAlias,
  parseSetShadow,
} from "../routing-request.ts";
import { toRoutingState } from "../routing-response.ts";
import { json } from "../schemas.ts";

/** Properties that all changes of an alias share. */
const CHANGE = {
  kind: "admin",
  access: "models:write",
  tag: "Administration",
  parameters: ["content-encoding"],
  audit: {
    request: ["actor", "note", "version", "split", "sticky", "sample", "to", "expectedRevision"],
  },
  responses: {
    200: { description: "The routing after the change.", content: json("RoutingState") },
  },
  errors: [
    ...READ_BODY,
    "model_not_found",
    "version_not_found",
    "alias_not_found",
    "version_deleted",
    "routing_conflict",
    "routing_corrupt",
    "storage_failed",
  ],
} as const satisfies Partial<Operation>;

const OPTIONAL_CHANGE = {
  required: false,
  content: json("RoutingChangeRequest", { noted: { value: { note: "No longer used." } } }),
} as const;

export const ALIAS_OPERATIONS: readonly Operation[] = [
  {
    ...CHANGE,
    id: "setAlias",
    method: "put",
    path: "/models/{model}/aliases/{alias}",
    summary: "Route an alias to a version, or split it among several",
    description:
      "The alias `default` is that of a name without one. A shadow of the alias remains. This isolate uses the change at once, others after `CATALOG_TTL_SECONDS`.",
    body: {
      required: true,
      content: json("SetAliasRequest", {
        version: { value: { version: "2", note: "Better on short texts." } },
        split: { value: { split: { "1": 90, "2": 10 }, sticky: "key" } },
      }),
    },
    errors: [...CHANGE.errors, "empty_body"],
    handler: changing((c, alias) => parseSetAlias(alias, parseJson(bodyOf(c)))),
  },
  {
    ...CHANGE,
    id: "deleteAlias",
    method: "delete",
    path: "/models/{model}/aliases/{alias}",
    summary: "Remove an alias",
    description: "The default is the newest version again.",
    body: OPTIONAL_CHANGE,
    handler: changing((c, alias) => ({
      change: { action: "unalias", alias },
      fields: parseChange(optionalBody(c)),
    })),
  },
  {
    ...CHANGE,
    id: "rollBackAlias",
    method: "post",
    path: "/models/{model}/aliases/{alias}/rollback",
    summary: "Restore an earlier route of an alias",
    description:
      "Appends a change to the history, in which nothing is ever removed. A second rollback goes further back.",
    body: {
      required: false,
      content: json("RollbackRequest", {
        last: { value: { note: "Too slow." } },
        revision: { value: { to: 1 } },
      }),
    },
    handler:
      ({ routing }) =>
      async (c) => {
        const { name, alias } = target(c);
        const { to, fields } = parseRollback(optionalBody(c));
        return changed(c, name, fields, (author, options) =>
          routing.rollback(name, alias, to, author, options),
        );
      },
  },
  {
    ...CHANGE,
    id: "setShadow",
    method: "put",
    path: "/models/{model}/aliases/{alias}/shadow",
    summary: "Send a copy of an alias's requests to another version",
    description:
      "After the response. The answers of both versions are compared, and the results reported as events and counts; a client never gets an answer of the shadow.",
    body: {
      required: true,
      content: json("SetShadowRequest", { half: { value: { version: "1", sample: 0.5 } } }),
    },
    errors: [...CHANGE.errors, "empty_body"],
    handler: changing((c, alias) => parseSetShadow(alias, parseJson(bodyOf(c)))),
  },
  {
    ...CHANGE,
    id: "deleteShadow",
    method: "delete",
    path: "/models/{model}/aliases/{alias}/shadow",
    summary: "Stop copying an alias's requests",
    body: OPTIONAL_CHANGE,
    handler: changing((c, alias) => ({
      change: { action: "unshadow", alias },
      fields: parseChange(optionalBody(c)),
    })),
  },
];

/** The handler of a change that the request alone determines. */
function changing(
  parse: (
    c: Context<AppEnv>,
    alias: string,
  ) => { readonly change: RoutingChange; readonly fields: ChangeFields },
): OtherOperation["handler"] {
  return ({ routing }) =>
    async (c) => {
      const { name, alias } = target(c);
      const { change, fields } = parse(c, alias);
      return changed(c, name, fields, (author, options) =>
        routing.change(name, change, author, options),
      );
    };
}

/** @throws ApiError `model_not_found`, `invalid_request` */
function target(c: Context<AppEnv>): { readonly name: string; readonly alias: string } {
  const name = parseModelName(c.req.param("model") ?? "");
  const trace = c.get("trace");
  trace.model = name;
  trace.alias = parseAliasName(c.req.param("alias") ?? "");
  return { name, alias: trace.alias };
}

function optionalBody(c: Context<AppEnv>): unknown {
  const body = c.get("body");
  return body.byteLength > 0 ? parseJson(body) : {};
}

/** Makes a change, which is completed also if the client disconnects. */
async function changed(
  c: Context<AppEnv>,
  name: string,
  { actor, note, expectedRevision }: ChangeFields,
  make: (author: ChangeAuthor, options: ChangeOptions) => Promise<Routing>,
): Promise<Response> {
  const change = make(authorOf(c, { actor, note }), { expectedRevision });
  callOf(c).waitUntil(change.catch(() => undefined));
  const routing = await change;
  recordRouteChange(c, routing);
  return respond(c, JSON.stringify(toRoutingState(name, routing)));
}

import type { Context } from "hono";
import { type Grantor, toGrantor } from "../../../domain/access/grantor.ts";
import { issueKey, reissueKey } from "../../../domain/access/issue-key.ts";
import type { KeyAuthority } from "../../../domain/access/key-authority.ts";
import type { ChangedKey, StoredKey } from "../../../domain/access/stored-key.ts";
import type { JsonObject } from "../../../domain/audit/audit-entry.ts";
import { ApiError } from "../../../domain/errors.ts";
import type { AppEnv } from "../../../http/context.ts";
import { bodyOf } from "../../../http/receive.ts";
import { recordChange } from "../../../http/record-change.ts";
import { respond } from "../../../http/respond.ts";
import { READ_BODY } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { Operation, OtherOperation } from "../../operation.ts";
import {
  parseChangeKey,
  parseCreateKey,
  parseKeyId,
  parseKeyQuery,
  parseRotateKey,
} from "../key-request.ts";
import { toKeyPageResponse, toKeyResponse } from "../key-response.ts";
import { json } from "../schemas.ts";

const KEYS = {
  kind: "admin",
  access: "keys",
  tag: "Administration",
  errors: ["forbidden", "not_supported", "authority_unavailable"],
} as const satisfies Partial<Operation>;

const OF_KEY = {
  ...KEYS,
  path: "/keys/{key}",
  // A whole key in the place of its id is refused before anything is recorded.
  errors: [...KEYS.errors, "key_not_found", "invalid_request"],
} as const satisfies Partial<Operation>;

const THE_KEY = { 200: { description: "The key.", content: json("ApiKey") } } as const;

export const KEY_OPERATIONS: readonly Operation[] = [
  {
    ...KEYS,
    id: "createKey",
    method: "post",
    path: "/keys",
    summary: "Create an API key",
    description:
      "The response has the key, which is never shown again. Nobody can give more than it has itself: scopes, models, limits, budgets and time.",
    parameters: ["content-encoding"],
    body: {
      required: true,
      content: json("CreateKeyRequest", {
        predict: { value: { name: "Search in production", scopes: ["predict"] } },
        limited: {
          value: {
            name: "Partner",
            scopes: ["predict", "models:read"],
            models: ["iris-*"],
            rate: { requestsPerMinute: 60 },
            quota: { requestsPerDay: 10_000 },
            owner: "search-team",
          },
        },
      }),
    },
    responses: {
      201: {
        description: "The key.",
        headers: ["location", "cache-control"],
        content: json("CreatedKey"),
      },
    },
    errors: [...KEYS.errors, ...READ_BODY, "empty_body"],
    audit: {},
    handler: asking(async (c, authority, by, prefix) => {
      const fields = parseCreateKey(parseJson(bodyOf(c)));
      const { key, stored } = await issueKey(authority, fields, by);
      recordChange(c, { target: { key: stored.id }, after: toRecord(stored) });
      c.get("headers").location = `${prefix}/admin/keys/${stored.id}`;
      return respondOnce(c, key, stored, 201);
    }),
  },
  {
    ...KEYS,
    id: "listKeys",
    method: "get",
    path: "/keys",
    summary: "List API keys",
    description: "Newest first, without secrets: those that the caller could have created itself.",
    parameters: ["keys-limit", "cursor", "state-filter", "owner-filter"],
    responses: { 200: { description: "The keys.", content: json("ApiKeys") } },
    errors: [...KEYS.errors, "invalid_request"],
    handler: asking(async (c, authority, by) => {
      const query = parseKeyQuery((name) => c.req.query(name));
      return respond(c, JSON.stringify(toKeyPageResponse(await authority.listKeys(query, by))));
    }),
  },
  {
    ...OF_KEY,
    id: "getKey",
    method: "get",
    summary: "Get an API key",
    description: "Without its secret.",
    responses: THE_KEY,
    handler: asking(async (c, authority, by) =>
      respond(c, JSON.stringify(toKeyResponse(await authority.getKey(idOf(c), by)))),
    ),
  },
  {
    ...OF_KEY,
    id: "changeKey",
    method: "patch",
    summary: "Change, disable or enable an API key",
    description:
      "A merge patch (RFC 7396): fields that are left out stay, and `null` removes one. All isolates use the change within 5 seconds.",
    parameters: ["content-encoding"],
    body: {
      required: true,
      content: json("ChangeKeyRequest", {
        disable: { value: { disabled: true } },
        quota: { value: { quota: { requestsPerDay: 50_000, tokensPerDay: null } } },
      }),
    },
    responses: THE_KEY,
    errors: [...OF_KEY.errors, ...READ_BODY, "empty_body", "key_revoked"],
    audit: { request: ["disabled"] },
    handler: asking(async (c, authority, by) => {
      const patch = parseChangeKey(parseJson(bodyOf(c)));
      return respondChanged(c, await authority.updateKey(idOf(c), patch, by));
    }),
  },
  {
    ...OF_KEY,
    id: "rotateKey",
    method: "post",
    path: "/keys/{key}/rotate",
    summary: "Give an API key a new secret",
    description:
      "The id and everything else stay. The secret before is still accepted for `overlapSeconds`.",
    parameters: ["content-encoding"],
    body: {
      required: false,
      content: json("RotateKeyRequest", {
        day: { value: { overlapSeconds: 86_400 } },
        leaked: { value: { overlapSeconds: 0 } },
      }),
    },
    responses: {
      200: {
        description: "The key with its new secret.",
        headers: ["cache-control"],
        content: json("CreatedKey"),
      },
    },
    errors: [...OF_KEY.errors, ...READ_BODY, "key_revoked"],
    audit: { request: ["overlapSeconds"] },
    handler: asking(async (c, authority, by) => {
      const id = idOf(c);
      const body = c.get("body");
      const overlapSeconds = parseRotateKey(body.byteLength > 0 ? parseJson(body) : {});
      const { key, ...changed } = await reissueKey(authority, id, overlapSeconds, by);
      record(c, changed);
      return respondOnce(c, key, changed.after, 200);
    }),
  },
  {
    ...OF_KEY,
    id: "revokeKey",
    method: "delete",
    summary: "Revoke an API key",
    description:
      "For good: all isolates refuse the key within 5 seconds. It stays in the list, without its digest. Revoking it again changes nothing.",
    responses: THE_KEY,
    audit: {},
    handler: asking(async (c, authority, by) =>
      respondChanged(c, await authority.revokeKey(idOf(c), by)),
    ),
  },
];

type Ask = (
  c: Context<AppEnv>,
  authority: KeyAuthority,
  by: Grantor,
  prefix: string,
) => Promise<Response>;

/** The handler of an operation that asks the authority, in the name of the principal of the request. */
function asking(ask: Ask): OtherOperation["handler"] {
  return ({ keyAuthority, prefix }) =>
    async (c) => {
      if (!keyAuthority)
        throw new ApiError(
          "not_supported",
          "This deployment has no API keys: its configuration lacks the Durable Object binding KEYS (docs/keys.md).",
        );
      const principal = c.get("principal");
      if (!principal) throw new Error("an operation on API keys has no principal");
      return ask(c, keyAuthority, toGrantor(principal), prefix);
    };
}

function idOf(c: Context<AppEnv>): string {
  return parseKeyId(c.req.param("key") ?? "");
}

/** A response with a secret, which nobody may keep. */
function respondOnce(c: Context<AppEnv>, key: string, stored: StoredKey, status: number): Response {
  c.get("headers")["cache-control"] = "no-store";
  const { id, ...others } = toKeyResponse(stored);
  return respond(c, JSON.stringify({ id, key, ...others }), { status });
}

function respondChanged(c: Context<AppEnv>, changed: ChangedKey): Response {
  record(c, changed);
  return respond(c, JSON.stringify(toKeyResponse(changed.after)));
}

function record(c: Context<AppEnv>, { before, after }: ChangedKey): void {
  const rewritten = WRITTEN.filter((field) => before[field] !== after[field]);
  recordChange(c, {
    before: toRecord(before),
    after: { ...toRecord(after), ...(rewritten.length > 0 && { rewritten }) },
  });
}

/** What somebody has written, which may be of a person: the audit log has only that it was changed. */
const WRITTEN = ["name", "owner", "notes"] as const;

function toRecord({ id: _, usage: __, ...stored }: StoredKey): JsonObject {
  const entries = Object.entries(stored).filter(
    ([field]) => !WRITTEN.some((each) => each === field),
  );
  return Object.fromEntries(entries) as JsonObject;
}

import type { Context } from "hono";
import { mediaTypesOf } from "../../../domain/blocks/media-types.ts";
import {
  type ReferenceProfile,
  referenceProfileSchema,
} from "../../../domain/monitoring/reference-profile.ts";
import type { PublishedModel } from "../../../domain/published-model.ts";
import { callOf } from "../../../http/call.ts";
import type { AppEnv } from "../../../http/context.ts";
import { bodyOf } from "../../../http/receive.ts";
import { recordChange } from "../../../http/record-change.ts";
import { respond } from "../../../http/respond.ts";
import type { ProfileMaker } from "../../../inference/profiling/make-profile.ts";
import { RESOLVE_MODEL, RUN_MODEL } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import { BINARY_SCHEMA } from "../../openapi/schema-reference.ts";
import type { Operation } from "../../operation.ts";
import { parseWith } from "../../parse.ts";
import { parseTaskBody } from "../../task-body.ts";
import { json } from "../schemas.ts";
import { parseVersionPath, VERSION } from "../version-path.ts";

/** Example data, or a finished profile. */
const BODIES = (["ExampleData", "ReferenceProfile"] as const).map(
  (name) => json(name)["application/json"].schema,
);

/** Properties that the operations share. */
const PROFILE = {
  ...VERSION,
  path: "/models/{model}/versions/{version}/profile",
} as const;

export const PROFILE_OPERATIONS: readonly Operation[] = [
  {
    ...PROFILE,
    id: "getProfile",
    method: "get",
    access: "models:read",
    summary: "Get the reference profile of a version",
    responses: {
      200: { description: "The profile, with its digest.", content: json("Profile") },
    },
    errors: [...RESOLVE_MODEL, "profile_not_found"],
    handler:
      ({ profiles }) =>
      async (c) => {
        const { digest, profile } = await profiles.get(parseVersionPath(c));
        return respond(c, JSON.stringify({ digest, profile }));
      },
  },
  {
    ...PROFILE,
    id: "setProfile",
    method: "put",
    summary: "Set the reference profile of a version",
    description:
      'What requests are compared with, to see whether they have drifted. The body is example data, 20 to 10,000 rows as the task API takes them (`{"inputs": [...]}`, or CSV), which are run through the version; only the profile that is made of them is stored. Or it is a finished profile, as `getProfile` returns it. It replaces the one before, and requests are counted anew.',
    parameters: ["content-encoding"],
    body: {
      required: true,
      content: {
        "application/json": { schema: { anyOf: BODIES } },
        "text/csv": { schema: BINARY_SCHEMA },
      },
    },
    audit: {},
    responses: {
      200: { description: "The profile, with its digest.", content: json("Profile") },
    },
    errors: [...RUN_MODEL.filter((code) => code !== "not_cached"), "task_not_supported"],
    handler:
      ({ catalog, profiles, profileMaker }) =>
      async (c) => {
        const id = parseVersionPath(c);
        const model = await catalog.resolve(id.name, id.version);
        const made = await toProfile(c, model, profileMaker);
        const { digest, profile, before } = await profiles.put(id, made);
        recordChange(c, {
          ...(before !== undefined && { before: { profile: before } }),
          after: { profile: digest, rows: profile.rows },
        });
        return respond(c, JSON.stringify({ digest, profile }));
      },
  },
  {
    ...PROFILE,
    id: "deleteProfile",
    method: "delete",
    summary: "Delete the reference profile of a version",
    audit: {},
    responses: {
      200: { description: "The version.", content: json("DeletedProfile") },
    },
    errors: [...RESOLVE_MODEL, "profile_not_found"],
    handler:
      ({ profiles }) =>
      async (c) => {
        const id = parseVersionPath(c);
        const { before } = await profiles.delete(id);
        if (before !== undefined) recordChange(c, { before: { profile: before } });
        return respond(c, JSON.stringify({ deleted: id }));
      },
  },
];

async function toProfile(
  c: Context<AppEnv>,
  model: PublishedModel,
  maker: ProfileMaker,
): Promise<ReferenceProfile> {
  const body = bodyOf(c);
  const contentType = c.req.header("content-type") ?? "";
  if (/^(?:application\/json\b|$)/.test(contentType)) {
    const value = parseJson(body);
    if (typeof value === "object" && value !== null && "schemaVersion" in value)
      return parseWith(referenceProfileSchema, value);
  }
  const mediaTypes = mediaTypesOf(model.manifest);
  const request = await parseTaskBody(contentType, body, {}, mediaTypes);
  return maker.make(model, request, callOf(c));
}

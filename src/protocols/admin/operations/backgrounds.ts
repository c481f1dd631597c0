import type { Context } from "hono";
import { mediaTypesOf } from "../../../domain/blocks/media-types.ts";
import { type Background, backgroundSchema } from "../../../domain/explanation/background.ts";
import type { PublishedModel } from "../../../domain/published-model.ts";
import { callOf } from "../../../http/call.ts";
import type { AppEnv } from "../../../http/context.ts";
import { bodyOf } from "../../../http/receive.ts";
import { recordChange } from "../../../http/record-change.ts";
import { respond } from "../../../http/respond.ts";
import type { BackgroundMaker } from "../../../inference/explaining/make-background.ts";
import { RESOLVE_MODEL, RUN_MODEL } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import { BINARY_SCHEMA } from "../../openapi/schema-reference.ts";
import type { Operation } from "../../operation.ts";
import { parseWith } from "../../parse.ts";
import { parseTaskBody } from "../../task-body.ts";
import { taskQuery } from "../../task-query.ts";
import { parseTaskRequest } from "../../task-request.ts";
import { backgroundRowsSchema } from "../background-request.ts";
import { json } from "../schemas.ts";
import { parseVersionPath, VERSION } from "../version-path.ts";

/** Rows, or what `getBackground` has returned. */
const BODIES = (["BackgroundRows", "Background"] as const).map(
  (name) => json(name)["application/json"].schema,
);

const backgroundSourceSchema = backgroundRowsSchema.pick({ source: true });

/** Properties that the operations share. */
const BACKGROUND = {
  ...VERSION,
  path: "/models/{model}/versions/{version}/background",
} as const;

export const BACKGROUND_OPERATIONS: readonly Operation[] = [
  {
    ...BACKGROUND,
    id: "getBackground",
    method: "get",
    summary: "Get the background rows of a version",
    description:
      "Rows may tell of people: it needs the scope `models:write`, as setting them does.",
    responses: {
      200: { description: "The rows, with their digest.", content: json("KnownBackground") },
    },
    errors: [...RESOLVE_MODEL, "background_not_found"],
    handler:
      ({ backgrounds }) =>
      async (c) => {
        const { digest, background } = await backgrounds.get(parseVersionPath(c));
        return respond(c, JSON.stringify({ digest, background }));
      },
  },
  {
    ...BACKGROUND,
    id: "setBackground",
    method: "put",
    summary: "Set the background rows of a version",
    description:
      'Inputs that are typical of what the version sees, from which explanations take the values of features that are not known: 1 to 1,000 rows, at most 1 MiB of JSON; about 100 are enough. The body is a list of inputs as the task API takes them (`{"inputs": [...]}`, or CSV with its parameters in the query), each of which is checked by the version\'s own preprocessor. Or it is the document that `getBackground` returns as `background`. They replace those before.',
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
      200: { description: "How many rows are kept.", content: json("KeptBackground") },
    },
    errors: [...RUN_MODEL.filter((code) => code !== "not_cached"), "task_not_supported"],
    handler:
      ({ catalog, backgrounds, backgroundMaker }) =>
      async (c) => {
        const id = parseVersionPath(c);
        const model = await catalog.resolve(id.name, id.version);
        const made = await toBackground(c, model, backgroundMaker);
        const { digest, background, before } = await backgrounds.put(id, made);
        const rows = background.inputs.length;
        recordChange(c, {
          ...(before !== undefined && { before: { background: before } }),
          after: { background: digest, rows },
        });
        return respond(c, JSON.stringify({ model: id.name, version: id.version, digest, rows }));
      },
  },
  {
    ...BACKGROUND,
    id: "deleteBackground",
    method: "delete",
    summary: "Delete the background rows of a version",
    audit: {},
    responses: {
      200: { description: "The version.", content: json("DeletedBackground") },
    },
    errors: [...RESOLVE_MODEL, "background_not_found"],
    handler:
      ({ backgrounds }) =>
      async (c) => {
        const id = parseVersionPath(c);
        const { before } = await backgrounds.delete(id);
        if (before !== undefined) recordChange(c, { before: { background: before } });
        return respond(c, JSON.stringify({ deleted: id }));
      },
  },
];

async function toBackground(
  c: Context<AppEnv>,
  model: PublishedModel,
  maker: BackgroundMaker,
): Promise<Background> {
  const body = bodyOf(c);
  const contentType = c.req.header("content-type") ?? "";
  if (/^(?:application\/json\b|$)/.test(contentType)) {
    const value = parseJson(body);
    if (isObject(value) && "schemaVersion" in value) {
      const kept = parseWith(backgroundSchema, value);
      const { inputs } = await maker.make(
        model,
        { inputs: kept.inputs, parameters: {} },
        callOf(c),
      );
      return { ...kept, inputs };
    }
    if (isObject(value) && "source" in value) {
      const { source } = parseWith(backgroundSourceSchema, { source: value.source });
      const { source: _, ...request } = value;
      const made = await maker.make(model, parseTaskRequest(request), callOf(c));
      return { ...made, ...(source !== undefined && { source }) };
    }
  }
  const mediaTypes = mediaTypesOf(model.manifest);
  return maker.make(
    model,
    await parseTaskBody(contentType, body, taskQuery(c.req.url), mediaTypes),
    callOf(c),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import type { Context } from "hono";
import { mayUseModel } from "../../../http/authenticate.ts";
import { callOf } from "../../../http/call.ts";
import type { AppEnv } from "../../../http/context.ts";
import { recordChange } from "../../../http/record-change.ts";
import { LOAD_MODEL, READ_BODY, RESOLVE_MODEL } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { Operation } from "../../operation.ts";
import { namesVersion, resolveModel } from "../../resolve-model.ts";
import { checkControlRequest, parseIndexRequest, toIndexEntry } from "../repository.ts";
import { respondJson } from "../respond-json.ts";
import { json } from "../schemas.ts";

/** Properties that loading and unloading share. */
const CONTROL = {
  kind: "admin",
  method: "post",
  access: "repository",
  tag: "Repository",
  description: "Requires no key if the setting `REPOSITORY_CONTROL` is `open`.",
  parameters: ["content-encoding"],
  audit: {},
  body: {
    required: false,
    content: json("RepositoryControlRequest", {
      plain: { value: { parameters: { unload_dependents: false } } },
    }),
  },
  responses: {
    200: {
      description: "The state of the model.",
      headers: ["x-model-version", "x-model-alias"],
      content: json("RepositoryState"),
    },
  },
} as const satisfies Partial<Operation>;

/** Triton's model repository extension. */
export const REPOSITORY_OPERATIONS: readonly Operation[] = [
  {
    id: "indexRepository",
    kind: "metadata",
    method: "post",
    path: "/repository/index",
    access: "models:read",
    tag: "Repository",
    summary: "List versions and their states",
    description:
      "A version that is not in memory is `READY` too: its first request loads it. Of the manifests that the isolate has not read yet, one index checks 200; a version whose manifest is not valid is `UNAVAILABLE`.",
    parameters: ["content-encoding"],
    body: {
      required: false,
      content: json("RepositoryIndexRequest", { ready: { value: { ready: true } } }),
    },
    responses: { 200: { description: "The index.", content: json("RepositoryIndex") } },
    errors: [...READ_BODY, "storage_failed"],
    handler: (services) => async (c) => {
      const { readyOnly } = parseIndexRequest(readOptionalJson(c));
      const index = await services.repository.index();
      const listed = index.filter(({ id }) => mayUseModel(c, id.name));
      const entries = listed.map(({ id, state }) => toIndexEntry(id, state));
      return respondJson(c, readyOnly ? entries.filter(({ state }) => state === "READY") : entries);
    },
  },
  {
    ...CONTROL,
    id: "loadModel",
    path: "/repository/models/{model}/load",
    summary: "Load the default version of a model, or that of an alias",
    errors: [...READ_BODY, ...RESOLVE_MODEL, ...LOAD_MODEL, "overloaded"],
    handler: (services) => async (c) => {
      checkControlRequest(readOptionalJson(c));
      const model = await resolveModel(c, services.router);
      const current = await services.modelReadiness.load(model, callOf(c));
      if ("error" in current) throw current.error;
      recordChange(c, { after: { version: model.version, state: current.state } });
      return respondJson(c, { name: model.name, state: current.state });
    },
  },
  {
    ...CONTROL,
    id: "unloadModel",
    path: "/repository/models/{model}/unload",
    summary: "Unload every version of a model, or that of an alias",
    errors: [...READ_BODY, ...RESOLVE_MODEL],
    handler: (services) => async (c) => {
      const { catalog, repository, router } = services;
      checkControlRequest(readOptionalJson(c));
      const { name, version, versions } = await resolveModel(c, router);
      const unloaded = namesVersion(c) ? [version] : versions;
      for (const each of unloaded) await repository.unload(await catalog.resolve(name, each));
      recordChange(c, { after: { unloaded: [...unloaded] } });
      return respondJson(c, { name, state: "absent" });
    },
  },
];

/** The body as JSON; `undefined` if it is empty. */
function readOptionalJson(c: Context<AppEnv>): unknown {
  const body = c.get("body");
  return body.byteLength > 0 ? parseJson(body) : undefined;
}

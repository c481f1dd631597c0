import type { Context } from "hono";
import { callOf } from "../../../http/call.ts";
import type { AppEnv } from "../../../http/context.ts";
import { readOptionalBody } from "../../../http/read-body.ts";
import { FIND_MODEL, LOAD_MODEL, READ_BODY } from "../../error-groups.ts";
import { parseJson } from "../../json.ts";
import type { Operation } from "../../operation.ts";
import { resolveModel } from "../../resolve-model.ts";
import type { Services } from "../../services.ts";
import { checkControlRequest, parseIndexRequest, toIndexEntry } from "../repository.ts";
import { respondJson } from "../respond-json.ts";
import { json } from "../schemas.ts";

/** What loading and unloading have in common. */
const CONTROL = {
  kind: "admin",
  method: "post",
  access: "repository",
  tag: "Repository",
  description: "Open to everybody where the setting `REPOSITORY_CONTROL` is `open`.",
  parameters: ["content-encoding"],
  body: {
    required: false,
    content: json("RepositoryControlRequest", {
      plain: { value: { parameters: { unload_dependents: false } } },
    }),
  },
  responses: {
    200: {
      description: "Done, or begun.",
      headers: ["x-model-version"],
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
    access: "public",
    tag: "Repository",
    summary: "Every version and its state",
    description: "`READY` also when it is not in memory: its first request loads it.",
    parameters: ["content-encoding"],
    body: {
      required: false,
      content: json("RepositoryIndexRequest", { ready: { value: { ready: true } } }),
    },
    responses: { 200: { description: "The index.", content: json("RepositoryIndex") } },
    errors: [...READ_BODY, "storage_failed"],
    handler: (services) => async (c) => {
      const { readyOnly } = parseIndexRequest(await readOptionalJson(c, services));
      const index = await services.repository.index();
      const entries = index.map(({ id, model }) => toIndexEntry(id, model));
      return respondJson(c, readyOnly ? entries.filter(({ state }) => state === "READY") : entries);
    },
  },
  {
    ...CONTROL,
    id: "loadModel",
    path: "/repository/models/{model}/load",
    summary: "Load the newest version",
    errors: [...READ_BODY, ...FIND_MODEL, ...LOAD_MODEL],
    handler: (services) => async (c) => {
      checkControlRequest(await readOptionalJson(c, services));
      const published = await resolveModel(c, services.catalog);
      const model = await services.readiness(published, callOf(c).waitUntil);
      if (model.state === "failed") throw model.error;
      return respondJson(c, { name: published.name, state: model.state });
    },
  },
  {
    ...CONTROL,
    id: "unloadModel",
    path: "/repository/models/{model}/unload",
    summary: "Free the memory of every version",
    errors: [...READ_BODY, ...FIND_MODEL],
    handler: (services) => async (c) => {
      const { catalog, repository } = services;
      checkControlRequest(await readOptionalJson(c, services));
      const published = await resolveModel(c, catalog);
      for (const version of published.versions)
        repository.unload(await catalog.resolve(published.name, version));
      return respondJson(c, { name: published.name, state: "absent" });
    },
  },
];

/** `undefined` for an empty body. */
async function readOptionalJson(c: Context<AppEnv>, { config }: Services): Promise<unknown> {
  const body = await readOptionalBody(c, config.maxBodyBytes);
  return body && parseJson(body);
}

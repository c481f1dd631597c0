import { authorizeAllModels, mayUseModel } from "../../../http/authenticate.ts";
import { respond } from "../../../http/respond.ts";
import type { Operation } from "../../operation.ts";
import { json } from "../schemas.ts";

/** Properties that the read operations share. */
const READ = {
  kind: "admin",
  method: "get",
  access: "models:read",
  tag: "Administration",
} as const satisfies Partial<Operation>;

export const INSPECTION_OPERATIONS: readonly Operation[] = [
  {
    ...READ,
    id: "listVersions",
    path: "/models",
    summary: "List published versions",
    responses: {
      200: { description: "Every published version.", content: json("PublishedVersions") },
    },
    errors: ["storage_failed"],
    handler:
      ({ catalog }) =>
      async (c) => {
        const listed = (await catalog.list()).filter(({ name }) => mayUseModel(c, name));
        const models = listed.map(({ name, version, revision, publishedAt }) => ({
          name,
          version,
          revision,
          publishedAt: new Date(publishedAt).toISOString(),
        }));
        return respond(c, JSON.stringify({ models }));
      },
  },
  {
    ...READ,
    id: "getRuntime",
    access: "metrics",
    path: "/runtime",
    summary: "Get runtime statistics",
    responses: {
      200: {
        description:
          "The statistics of the isolate that handled the request, and of the isolates of models that it has called.",
        content: json("RuntimeStatistics"),
      },
    },
    handler:
      ({ host }) =>
      async (c) => {
        authorizeAllModels(c);
        const all = await host.stats();
        const [own] = all.filter(({ model }) => model === undefined);
        const isolates = all.filter(({ model }) => model !== undefined);
        return respond(c, JSON.stringify({ ...own, isolates }));
      },
  },
  {
    ...READ,
    id: "getCache",
    access: "metrics",
    path: "/cache",
    summary: "Get cache statistics",
    responses: {
      200: {
        description: "The statistics of the isolate that handled the request.",
        content: json("CacheStatistics"),
      },
    },
    handler:
      ({ cacheStats }) =>
      (c) => {
        authorizeAllModels(c);
        return respond(c, JSON.stringify(cacheStats()));
      },
  },
];

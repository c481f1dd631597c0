import { respond } from "../../../http/respond.ts";
import type { Operation } from "../../operation.ts";
import { json } from "../schemas.ts";

/** What the operations that read have in common. */
const READ = {
  kind: "admin",
  method: "get",
  access: "admin",
  tag: "Administration",
} as const satisfies Partial<Operation>;

export const INSPECTION_OPERATIONS: readonly Operation[] = [
  {
    ...READ,
    id: "listVersions",
    path: "/models",
    summary: "Every published version",
    responses: { 200: { description: "The versions.", content: json("PublishedVersions") } },
    errors: ["storage_failed"],
    handler:
      ({ catalog }) =>
      async (c) =>
        respond(c, JSON.stringify({ models: await catalog.list() })),
  },
  {
    ...READ,
    id: "getRuntime",
    path: "/runtime",
    summary: "Models and memory of the isolate that answers",
    responses: { 200: { description: "The statistics.", content: json("RuntimeStatistics") } },
    handler:
      ({ host }) =>
      (c) =>
        respond(c, JSON.stringify(host.stats())),
  },
  {
    ...READ,
    id: "getCache",
    path: "/cache",
    summary: "Statistics of the prediction cache",
    responses: { 200: { description: "The statistics.", content: json("CacheStatistics") } },
    handler:
      ({ cacheStats }) =>
      (c) =>
        respond(c, JSON.stringify(cacheStats())),
  },
];

import type { Operation } from "../../operation.ts";
import { toServerMetadata } from "../metadata.ts";
import { respondJson } from "../respond-json.ts";
import { json } from "../schemas.ts";

export const SERVER_OPERATIONS: readonly Operation[] = [
  {
    id: "getServer",
    kind: "metadata",
    method: "get",
    path: "",
    access: "public",
    tag: "Server",
    summary: "Name, version and extensions of the server",
    responses: { 200: { description: "The metadata.", content: json("ServerMetadata") } },
    handler:
      ({ serverVersion }) =>
      (c) =>
        respondJson(c, toServerMetadata(serverVersion)),
  },
  {
    id: "getLive",
    kind: "health",
    method: "get",
    path: "/health/live",
    access: "public",
    tag: "Server",
    summary: "Liveness of the server",
    responses: { 200: { description: "It is live.", content: json("Live") } },
    handler: () => (c) => respondJson(c, { live: true }),
  },
  {
    id: "getReady",
    kind: "health",
    method: "get",
    path: "/health/ready",
    access: "public",
    tag: "Server",
    summary: "Readiness of the server",
    responses: { 200: { description: "It is ready.", content: json("Ready") } },
    handler: () => (c) => respondJson(c, { ready: true }),
  },
];

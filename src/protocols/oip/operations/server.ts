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
    summary: "Get server metadata",
    responses: {
      200: {
        description: "Name, version and extensions of the server.",
        content: json("ServerMetadata"),
      },
    },
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
    summary: "Get server liveness",
    responses: { 200: { description: "The server is live.", content: json("Live") } },
    handler: () => (c) => respondJson(c, { live: true }),
  },
  {
    id: "getReady",
    kind: "health",
    method: "get",
    path: "/health/ready",
    access: "public",
    tag: "Server",
    summary: "Get server readiness",
    description:
      "The server is ready while storage answers and, if the setting `READY_OBJECT` names an object, while that exists.",
    responses: {
      200: { description: "The server is ready.", content: json("Ready") },
      503: { description: "The server is not ready.", content: json("Ready") },
    },
    handler:
      ({ serverReadiness }) =>
      async (c) => {
        const reason = await serverReadiness();
        const ready = reason === undefined;
        return respondJson(c, { ready, reason }, ready ? 200 : 503);
      },
  },
];

import type { Route } from "../openapi/route.ts";

export const DOCUMENTATION_ROUTES: readonly Route[] = [
  {
    method: "get",
    path: "/openapi.json",
    operationId: "getOpenApi",
    tag: "Documentation",
    summary: "This document",
    answers: {
      200: {
        description: "OpenAPI 3.1.",
        headers: ["content-encoding"],
        content: { "application/json": { schema: { type: "object" } } },
      },
    },
  },
  {
    method: "get",
    path: "/docs",
    operationId: "getDocs",
    tag: "Documentation",
    summary: "This document as a page",
    answers: {
      200: {
        description: "HTML without scripts.",
        headers: ["content-encoding", "content-security-policy"],
        content: { "text/html": { schema: { type: "string" } } },
      },
    },
  },
];

import { NO_SESSION_COOKIE } from "../../../domain/access/session-cookie.ts";
import { ApiError } from "../../../domain/errors.ts";
import { respond } from "../../../http/respond.ts";
import type { Operation } from "../../operation.ts";
import { json } from "../schemas.ts";

export const SESSION_OPERATIONS: readonly Operation[] = [
  {
    id: "openSession",
    kind: "admin",
    method: "post",
    path: "/session",
    access: "identified",
    tag: "Administration",
    summary: "Begin a session of a browser",
    description:
      "For the dashboard: with the cookie, a page of this server may do for an hour what the key in `authorization` may do on admin routes. The session ends with the key.",
    responses: {
      200: {
        description: "The session has begun.",
        headers: ["set-cookie"],
        content: json("Session"),
      },
    },
    audit: {},
    handler:
      ({ authenticator }) =>
      async (c) => {
        const principal = c.get("principal");
        if (!principal) throw new ApiError("unauthorized", "A session is opened with a key.");
        const authorization = c.req.header("authorization");
        const { cookie, expiresAt } = await authenticator.openSession(principal, authorization);
        c.get("headers")["set-cookie"] = cookie;
        const { label, scopes, models } = principal;
        return respond(
          c,
          JSON.stringify({ principal: label, scopes: [...scopes], models, expiresAt }),
        );
      },
  },
  {
    id: "closeSession",
    kind: "admin",
    method: "delete",
    path: "/session",
    access: "identified",
    tag: "Administration",
    summary: "End the session of a browser",
    description: "Removes the cookie.",
    responses: {
      200: {
        description: "The browser has no session any more.",
        headers: ["set-cookie"],
        content: json("EndedSession"),
      },
    },
    audit: {},
    handler: () => (c) => {
      c.get("headers")["set-cookie"] = NO_SESSION_COOKIE;
      return respond(c, JSON.stringify({ ended: true }));
    },
  },
];

import { Hono } from "hono";
import { admit, takeTurn } from "../middleware/admit.ts";
import type { AppEnv } from "../middleware/context.ts";
import { methodNotAllowed } from "../middleware/method-not-allowed.ts";
import { readOptionalBody } from "../middleware/read-body.ts";
import { respond } from "../middleware/respond.ts";
import { isHuggingFaceClient } from "../protocols/task/hugging-face-client.ts";
import { parseTaskBody } from "../protocols/task/task-body.ts";
import { requestContext, resolveModel } from "./request.ts";
import type { RouteDeps } from "./route-deps.ts";

/** The task door, mounted at `/models`: people's inputs in, people's answers out. */
export function taskRoutes({ config, admission, catalog, taskPredict }: RouteDeps): Hono<AppEnv> {
  const routes = new Hono<AppEnv>({ strict: false });
  for (const path of ["/:model", "/:model/versions/:version"]) {
    routes
      .post(path, admit(admission), takeTurn, async (c) => {
        const published = await resolveModel(c, catalog);
        // What an empty one should have been depends on the task.
        const body = (await readOptionalBody(c, config.maxBodyBytes)) ?? new Uint8Array();
        const trace = c.get("trace");
        const contentType = c.req.header("content-type") ?? "";
        const { answer, form, parameters } = await taskPredict(
          published,
          (mediaTypes) => parseTaskBody(contentType, body, c.req.query(), mediaTypes),
          requestContext(c),
        );
        const { name, version, revision, manifest } = published;
        const isInList =
          form === "one" &&
          manifest.task === "text-classification" &&
          isHuggingFaceClient(c.req.header("user-agent"));
        const variant = [
          "task",
          name,
          version,
          revision,
          isInList ? "in a list" : form,
          parameters,
        ];
        c.set("variant", JSON.stringify(variant));
        const text = trace.measure("encode", () => JSON.stringify(isInList ? [answer] : answer));
        return respond(c, text);
      })
      .all(path, methodNotAllowed("POST"));
  }
  return routes;
}

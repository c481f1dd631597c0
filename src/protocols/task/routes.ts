import { type Context, Hono } from "hono";
import { mediaTypesOf } from "../../domain/blocks/media-types.ts";
import { acquirePermit, admit } from "../../http/admit.ts";
import { callOf } from "../../http/call.ts";
import type { AppEnv } from "../../http/context.ts";
import { methodNotAllowed } from "../../http/method-not-allowed.ts";
import { toProblem } from "../../http/problem.ts";
import { readOptionalBody } from "../../http/read-body.ts";
import { respond } from "../../http/respond.ts";
import { respondStream, type StreamFormat, toServerSentEvent } from "../../http/stream.ts";
import { resolveModel } from "../resolve-model.ts";
import { respondFromCache } from "../respond-from-cache.ts";
import type { Services } from "../services.ts";
import { isHuggingFaceClient } from "./hugging-face-client.ts";
import { parseTaskBody } from "./task-body.ts";

/** The task API, mounted at `/models`. */
export function taskRoutes(services: Services): Hono<AppEnv> {
  const { config, admission, catalog, runTask } = services;
  const fromCache = respondFromCache(services, { form: toForm });
  const routes = new Hono<AppEnv>({ strict: false });
  for (const path of ["/:model", "/:model/versions/:version"]) {
    routes
      .post(path, admit(admission), fromCache, acquirePermit, async (c) => {
        const published = await resolveModel(c, catalog);
        // What an empty one should have been depends on the task.
        const body = (await readOptionalBody(c, config.maxBodyBytes)) ?? new Uint8Array();
        const trace = c.get("trace");
        const contentType = c.req.header("content-type") ?? "";
        const mediaTypes = mediaTypesOf(published.manifest);
        const request = await trace.measureAsync("parse", () =>
          parseTaskBody(contentType, body, c.req.query(), mediaTypes),
        );
        const result = await runTask(published, request, callOf(c));
        if (result.kind === "stream")
          return respondStream(c, result.parts, streamFormat(c.get("requestId")));
        const { value, form } = result;
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
          request.parameters,
        ];
        c.set("variant", JSON.stringify(variant));
        const text = trace.measure("serialize", () => JSON.stringify(isInList ? [value] : value));
        return respond(c, text);
      })
      .all(path, methodNotAllowed("POST"));
  }
  return routes;
}

/** What of a request to a task, beside its body, decides how it is answered. */
function toForm(c: Context<AppEnv>): string {
  const { url } = c.req;
  const query = url.indexOf("?");
  const client = isHuggingFaceClient(c.req.header("user-agent")) ? "hugging-face" : "";
  const contentType = c.req.header("content-type") ?? "";
  return `task ${client}\n${contentType}\n${query === -1 ? "" : url.slice(query)}`;
}

/** Parts as `message` events; a failure as an `error` event with problem details. */
function streamFormat(requestId: string): StreamFormat {
  return {
    part: (part) => toServerSentEvent(part),
    error: (error) => toServerSentEvent(toProblem(error, requestId), "error"),
  };
}

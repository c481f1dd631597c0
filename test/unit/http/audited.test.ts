import { expect, test } from "vitest";
import type { AuditSubject, ChangeDetails } from "../../../src/domain/audit/audit-recorder.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import { audited } from "../../../src/http/audited.ts";
import { recordChange } from "../../../src/http/record-change.ts";
import { createHttpApp } from "../../support/http-app.ts";

interface Ended {
  readonly details: ChangeDetails;
  readonly error: unknown;
}

function createAuditedApp({ isReachable = true } = {}) {
  const app = createHttpApp();
  const begun: AuditSubject[] = [];
  const ended: Ended[] = [];
  const options = {
    recorder: {
      async begin(subject: AuditSubject) {
        if (!isReachable) throw new ApiError("authority_unavailable", "Nothing was changed.");
        begun.push(subject);
        return {
          end: async (details: ChangeDetails, error?: unknown) =>
            void ended.push({ details, error }),
        };
      },
    },
    operation: "setAlias",
    rule: { request: ["actor", "version", "force"] },
    labelOf: () => "key:1f0c2a9b",
  };
  app.routes.use("/models/:model", async (c, next) => {
    c.set("body", new Uint8Array(await c.req.raw.arrayBuffer()));
    await next();
  });
  return { app, begun, ended, middleware: audited(options) };
}

const put = (body: string): RequestInit => ({
  method: "PUT",
  body,
  headers: { "x-request-id": "r-1" },
});

test("a request is recorded with its path, and of its body and query only the fields that are named", async () => {
  const { app, begun, ended, middleware } = createAuditedApp();
  app.routes.put("/models/:model", middleware, (c) => {
    recordChange(c, { before: { version: "1" } });
    recordChange(c, { after: { version: "2" }, target: { alias: "production" } });
    return c.text("changed");
  });
  const body = JSON.stringify({ actor: "Ada", version: "2", secret: "of_live_x", notes: ["y"] });
  const response = await app.request("/models/iris?force=true&token=abc", put(body));
  expect(await response.text()).toBe("changed");
  expect(begun).toEqual([
    {
      operation: "setAlias",
      by: "key:1f0c2a9b",
      actor: "Ada",
      requestId: "r-1",
      target: { model: "iris" },
      request: { version: "2", force: "true" },
    },
  ]);
  expect(ended).toEqual([
    {
      details: {
        target: { alias: "production" },
        before: { version: "1" },
        after: { version: "2" },
      },
      error: undefined,
    },
  ]);
});

test("a body that is larger than a megabyte is recorded by its size, and one that is no object not at all", async () => {
  const { app, begun, middleware } = createAuditedApp();
  app.routes.put("/models/:model", middleware, (c) => c.text("changed"));
  const large = JSON.stringify({ version: "2", other: "x".repeat(1024 * 1024) });
  await app.request("/models/iris?force=true", put(large));
  for (const body of ["[1]", "null", "3", '"version"', "{"])
    await app.request("/models/iris", put(body));
  expect(begun.map(({ request }) => request)).toEqual([
    { force: "true", "(body)": `(${large.length} bytes)` },
    ...Array.from({ length: 5 }, () => undefined),
  ]);
});

test("a handler that throws is recorded with its error", async () => {
  const { app, ended, middleware } = createAuditedApp();
  app.routes.put("/models/:model", middleware, () => {
    throw new ApiError("version_in_use", "It is used.");
  });
  expect((await app.request("/models/iris", put("not JSON"))).status).toBe(409);
  expect(ended).toMatchObject([{ details: {}, error: { code: "version_in_use" } }]);
});

test("a change whose entry cannot be written is not made", async () => {
  const { app, ended, middleware } = createAuditedApp({ isReachable: false });
  let calls = 0;
  app.routes.put("/models/:model", middleware, (c) => {
    calls += 1;
    return c.text("changed");
  });
  const response = await app.request("/models/iris", put("{}"));
  expect([response.status, calls, ended.length]).toEqual([503, 0, 0]);
});

test("the response waits for the entry, and the isolate stays alive for both", async () => {
  const { app, middleware } = createAuditedApp();
  const { promise, resolve } = Promise.withResolvers<void>();
  app.routes.put("/models/:model", middleware, async (c) => {
    await promise;
    return c.text("changed");
  });
  const response = app.request("/models/iris", put("{}"));
  await new Promise((resume) => setTimeout(resume, 0));
  expect(app.isSettled()).toBe(false);
  resolve();
  await response;
  await app.settle();
  expect(app.isSettled()).toBe(true);
});

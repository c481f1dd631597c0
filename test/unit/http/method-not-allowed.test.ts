import { expect, test } from "vitest";
import { methodNotAllowed } from "../../../src/http/method-not-allowed.ts";
import { createHttpApp, errorOf } from "../../support/http-app.ts";

function createApp() {
  const app = createHttpApp();
  app.routes.get("/models/:model", (c) => c.text("metadata"));
  app.routes.post("/models/:model", (c) => c.text("prediction"));
  app.routes.all("/models/:model", methodNotAllowed("GET", "HEAD", "POST"));
  return app;
}

test.each(["PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])(
  "%s is refused with the methods that there are",
  async (method) => {
    const app = createApp();
    const response = await app.request("/models/iris", { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD, POST");
    expect(await errorOf(response)).toMatchObject({
      code: "method_not_allowed",
      message: `/models/iris does not support ${method}: use GET or HEAD or POST.`,
    });
    expect(app.events).toMatchObject([
      { method, route: "/models/:model", status: 405, errorCode: "method_not_allowed" },
    ]);
  },
);

test.each([
  ["GET", "metadata"],
  ["POST", "prediction"],
])("%s reaches its handler", async (method, text) => {
  const response = await createApp().request("/models/iris", { method });
  expect([response.status, await response.text()]).toEqual([200, text]);
  expect(response.headers.get("allow")).toBeNull();
});

test("a long path is truncated in the error message", async () => {
  const path = `/models/${"x".repeat(5000)}`;
  const { message } = await errorOf(await createApp().request(path, { method: "PUT" }));
  expect(message.length).toBeLessThan(500);
});

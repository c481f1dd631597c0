import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { requireAdmin } from "../../../src/http/require-admin.ts";
import { createHttpApp, errorOf, type HttpApp } from "../../support/http-app.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

const KEY = "a key: with spaces, and Größe";
const PLAIN_KEY = "s3cret";

beforeAll(stubWorkersGlobals);
afterAll(() => void vi.unstubAllGlobals());

function createApp(adminKey: string | undefined): HttpApp {
  const app = createHttpApp();
  app.routes.get("/admin", requireAdmin(adminKey), (c) => c.text("welcome"));
  return app;
}

function send(adminKey: string | undefined, authorization?: string): Promise<Response> {
  const headers = authorization === undefined ? {} : { authorization };
  return createApp(adminKey).request("/admin", { headers });
}

test.each([`Bearer ${PLAIN_KEY}`, `bearer ${PLAIN_KEY}`, `BEARER ${PLAIN_KEY}`])(
  "%s passes",
  async (authorization) => {
    const response = await send(PLAIN_KEY, authorization);
    expect([response.status, await response.text()]).toEqual([200, "welcome"]);
  },
);

describe("is refused:", () => {
  test.each([
    ["nothing", undefined],
    ["an empty header", ""],
    ["no scheme", PLAIN_KEY],
    ["another scheme", `Basic ${PLAIN_KEY}`],
    ["no key", "Bearer"],
    ["an empty key", "Bearer "],
    ["another key", "Bearer guess"],
    ["the beginning of the key", "Bearer s3cre"],
    ["more than the key", "Bearer s3crets"],
    ["the key in capitals", "Bearer S3CRET"],
    ["words after the key", `Bearer ${PLAIN_KEY} and more`],
    ["a comma after the key", `Bearer ${PLAIN_KEY}, Basic x`],
    ["the key twice", `Bearer ${PLAIN_KEY} ${PLAIN_KEY}`],
    ["two spaces before the key", `Bearer  ${PLAIN_KEY}`],
  ])("%s", async (_, authorization) => {
    const response = await send(PLAIN_KEY, authorization);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe("Bearer");
    const error = await errorOf(response);
    expect(error).toMatchObject({
      code: "unauthorized",
      message: "This route requires the header Authorization: Bearer <admin key>.",
    });
    expect(JSON.stringify(error)).not.toContain(PLAIN_KEY);
  });
});

test.each([undefined, ""])("without a key configured (%j) nobody passes", async (adminKey) => {
  for (const authorization of [undefined, "Bearer ", "Bearer undefined", `Bearer ${PLAIN_KEY}`]) {
    const response = await send(adminKey, authorization);
    expect(response.status).toBe(401);
    expect((await errorOf(response)).message).toContain("ADMIN_KEY is not set");
  }
});

test("a key with spaces passes whole, and nobody passes by its first word", async () => {
  expect((await send(KEY, `Bearer ${KEY}`)).status).toBe(200);
  for (const part of ["a", "a key:", `${KEY} `.slice(0, -3)])
    expect((await send(KEY, `Bearer ${part}`)).status).toBe(401);
});

test("the handler does not run for a refused request, and the event has the error code", async () => {
  const app = createHttpApp();
  let runs = 0;
  app.routes.get("/admin", requireAdmin(PLAIN_KEY), (c) => {
    runs += 1;
    return c.text("welcome");
  });
  await app.request("/admin");
  expect(runs).toBe(0);
  expect(app.events).toMatchObject([{ status: 401, errorCode: "unauthorized" }]);
});

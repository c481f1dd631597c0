import { Hono } from "hono";
import { expect, test } from "vitest";
import type { RequestOrigin } from "../../../src/domain/request-event.ts";
import type { AppEnv } from "../../../src/http/context.ts";
import { originOf } from "../../../src/http/request-origin.ts";

async function origin(headers: Record<string, string>, cf?: object): Promise<RequestOrigin> {
  const app = new Hono<AppEnv>();
  app.get("/", (c) => c.json(originOf(c)));
  const request = Object.assign(new Request("https://onnxflare.test/", { headers }), { cf });
  return (await app.request(request)).json();
}

const CF = { colo: "FRA", country: "DE", city: "Berlin" };

test("data center and country are those of the platform's headers", async () => {
  const headers = { "cf-ray": "230b030023ae2822-SJC", "cf-ipcountry": "US" };
  expect(await origin(headers, CF)).toEqual({ colo: "SJC", country: "US" });
  expect(await origin({ ...headers, "cf-ipcountry": "T1" })).toEqual({
    colo: "SJC",
    country: "T1",
  });
});

test("without them they are those of request.cf, and nothing else of it", async () => {
  expect(await origin({}, CF)).toEqual({ colo: "FRA", country: "DE" });
  expect(await origin({ "cf-ipcountry": "US" }, CF)).toEqual({ colo: "FRA", country: "DE" });
  expect(await origin({})).toEqual({});
});

test.each(["", "de", "DEU", "D", "1A", "<b>"])("the header %j is no country", async (country) => {
  expect(await origin({ "cf-ray": "230b030023ae2822-sjc", "cf-ipcountry": country })).toEqual({});
});

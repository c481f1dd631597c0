import { expect, test } from "vitest";
import { clientAddress } from "../../../src/http/client-address.ts";
import { respond } from "../../../src/http/respond.ts";
import { coarseNetworkOf, networkOf } from "../../../src/shared/network-of.ts";
import { createHttpApp } from "../../support/http-app.ts";

/** Of every Worker's requests to another zone: https://developers.cloudflare.com/workers/runtime-apis/headers/ */
const WORKERS = "2a06:98c0:3600::103";

const app = createHttpApp();
app.routes.get("/", (c) => respond(c, JSON.stringify({ address: clientAddress(c) })));

test.each([
  [{}, undefined],
  [{ "cf-connecting-ip": "" }, undefined],
  [{ "cf-connecting-ip": "203.0.113.7" }, "203.0.113.7"],
  [{ "cf-connecting-ip": "203.0.113.7", "cf-worker": "example.com" }, "203.0.113.7"],
  [{ "cf-connecting-ip": WORKERS, "cf-worker": "Example.com" }, "worker example.com"],
  [{ "cf-connecting-ip": WORKERS, "cf-worker": "a b:c" }, WORKERS],
  [{ "cf-connecting-ip": WORKERS }, WORKERS],
  [{ "cf-worker": "example.com" }, undefined],
])("a request with %j comes from %s", async (headers, address) => {
  const response = await app.request("/", { headers });
  expect(await response.json()).toEqual({ ...(address && { address }) });
});

test("a Worker is a network of its own, whose name is in events as a whole", () => {
  expect(networkOf("worker example.com")).toBe("worker example.com");
  expect(coarseNetworkOf(networkOf("worker example.com"))).toBe("worker example.com");
});

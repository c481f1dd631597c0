import { beforeAll, expect, test, vi } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import type { Alert } from "../../../src/domain/alerts/alert.ts";
import type { AlertMethods } from "../../../src/domain/alerts/alerts.ts";
import { createTestKeys, type TestKeys } from "../../support/keys.ts";
import { createTestApp, type TestApp } from "../../support/test-app.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Who reads alerts, by `app.request`; test/workerd/alerts.test.ts has real ones. */

let keys: TestKeys;
let app: TestApp;

const alertOf = (model?: string): Alert => ({
  rule: "slow",
  kind: "latency",
  severity: "critical",
  ...(model !== undefined && { model, version: "1" }),
  state: "firing",
  since: 0,
  measuredAt: 0,
  value: 9,
  summary: `${model ?? "the service"} is slow`,
  isAnnounced: true,
});

beforeAll(() => {
  stubWorkersGlobals();
  keys = createTestKeys();
  const alerts = [alertOf(), alertOf("iris"), alertOf("secret")];
  const methods: Partial<AlertMethods> = {
    alerts: async () => ({
      alerts,
      history: alerts.map((alert) => ({ at: 0, transition: "firing", alert })),
      suppressed: 0,
    }),
    alertRules: async () => ({ revision: 0, isDefault: true, rules: [] }),
    deliveries: async () => [],
  };
  app = createTestApp({
    config: parseConfig({ ADMIN_KEY: "the-admin-key" }),
    keyAuthority: keys.authority,
    alerts: methods as AlertMethods,
  });
  return () => vi.unstubAllGlobals();
});

const get = (path: string, key: string): Promise<Response> =>
  app.request(`/admin/alerts${path}`, { headers: { authorization: `Bearer ${key}` } });

async function modelsFor(key: string): Promise<(string | undefined)[][]> {
  const { alerts, history } = (await (await get("", key)).json()) as {
    alerts: Alert[];
    history: { alert: Alert }[];
  };
  return [alerts.map(({ model }) => model), history.map(({ alert }) => alert.model)];
}

test("a key of single models gets the alerts of these, and none of the service", async () => {
  const all = await keys.create({ scopes: ["metrics"] });
  const some = await keys.create({ scopes: ["metrics"], models: ["iris*"] });
  const everything = [undefined, "iris", "secret"];
  expect(await modelsFor(all.key)).toEqual([everything, everything]);
  expect(await modelsFor(some.key)).toEqual([["iris"], ["iris"]]);
});

test.each(["/rules", "/deliveries"])(
  "%s, which concern all models, are not for a key of single ones",
  async (path) => {
    const all = await keys.create({ scopes: ["metrics"] });
    const some = await keys.create({ scopes: ["metrics"], models: ["iris*"] });
    expect((await get(path, all.key)).status).toBe(200);
    expect((await get(path, some.key)).status).toBe(403);
  },
);

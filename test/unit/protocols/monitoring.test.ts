import { expect, test } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import { ApiError } from "../../../src/domain/errors.ts";
import type { ReportRequest, Reports } from "../../../src/domain/monitoring/report.ts";
import type { Catalog } from "../../../src/registry/catalog.ts";
import { createTestApp } from "../../support/test-app.ts";

const ADMIN_KEY = "a-key-for-tests";
const headers = { authorization: `Bearer ${ADMIN_KEY}` };

const asked: object[] = [];
const answer = async (request: ReportRequest): Promise<never> => {
  const { mayRead, ...rest } = request;
  asked.push({ ...rest, readsAll: mayRead("") && mayRead("any") });
  return { answered: true } as never;
};
const reports: Reports = { overview: answer, series: answer, histograms: answer };
const config = parseConfig({ ADMIN_KEY });
const { request } = createTestApp({ reports, config });
const HAS_IRIS_2 = {
  async resolve(name: string, version: string) {
    if (name !== "iris") throw new ApiError("model_not_found", `There is no model ${name}`);
    if (version === "2") return {};
    throw new ApiError("version_not_found", `Model ${name} has no version ${version}`);
  },
} as unknown as Catalog;
const get = (path: string): Promise<Response> => request(`/admin/monitoring${path}`, { headers });

test("reports are of the last hour of all models by default", async () => {
  asked.length = 0;
  const before = Date.now();
  const response = await get("");
  expect([response.status, await response.json()]).toEqual([200, { answered: true }]);
  expect(response.headers.get("cache-control")).toBe("no-store");
  const [{ from, to, ...rest }] = asked as [{ from: number; to: number }];
  expect(to).toBeGreaterThanOrEqual(before);
  expect(to - from).toBe(3_600_000);
  expect(rest).toEqual({
    readsAll: true,
    onlyModels: false,
    stepSeconds: 60,
    model: undefined,
    version: undefined,
  });
});

test("a series is of a model, a time, a step and a group", async () => {
  asked.length = 0;
  const query =
    "model=iris&version=2&from=2026-11-29T00:00:00Z&to=2026-11-30T01:00:00%2B01:00&step=3600&group=version&requests=models";
  expect((await get(`/series?${query}`)).status).toBe(200);
  expect(asked).toEqual([
    {
      model: "iris",
      version: "2",
      from: Date.UTC(2026, 10, 29),
      to: Date.UTC(2026, 10, 30),
      stepSeconds: 3600,
      group: "version",
      onlyModels: true,
      readsAll: true,
    },
  ]);
});

test.each([
  ["15 minutes", "2026-11-30T12:15:00Z", 60],
  ["6 hours", "2026-11-30T18:00:00Z", 300],
  ["a day", "2026-12-01T12:00:00Z", 900],
  ["30 days", "2026-12-30T12:00:00Z", 21_600],
])("the windows of %s are at most 120 by default", async (_, to, seconds) => {
  asked.length = 0;
  await get(`/series?from=2026-11-30T12:00:00Z&to=${to}`);
  expect(asked).toEqual([expect.objectContaining({ stepSeconds: seconds })]);
});

test.each([
  ["?from=yesterday", "from"],
  ["?from=2026-13-01T00:00:00Z", "from"],
  ["?from=2026-11-30T12:00:00Z&to=2026-11-30T12:00:00Z", "from"],
  ["?from=1970-01-01T00:00:00Z", "from"],
  ["?until=1", "until"],
  ["?model=iris", "model"],
  ["/series?step=61", "step"],
  ["/series?step=0", "step"],
  ["/series?step=60&from=2026-11-01T00:00:00Z&to=2026-11-30T00:00:00Z", "step"],
  ["/series?group=key", "group"],
  ["?requests=none", "requests"],
  ["/series?model=No%20Name", "model"],
  ["/series?version=1", "version"],
  ["/series?model=iris&version=x", "version"],
])("%s is refused with the name of the parameter %s", async (path, field) => {
  const response = await get(path);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    code: "invalid_request",
    detail: expect.stringContaining(field),
  });
});

test("histograms are of a published version", async () => {
  const { request } = createTestApp({ reports, config, catalog: HAS_IRIS_2 });
  asked.length = 0;
  const path = "/admin/models/iris/versions/2/histograms";
  expect((await request(path, { headers })).status).toBe(200);
  expect(asked).toEqual([expect.objectContaining({ model: "iris", version: "2" })]);
  for (const wrong of [
    "iris/versions/0",
    "No%20Name/versions/1",
    "iris/versions/3",
    "another/versions/2",
  ])
    expect((await request(`/admin/models/${wrong}/histograms`, { headers })).status).toBe(404);
  expect(asked).toHaveLength(1);
});

test("reports need a key", async () => {
  for (const path of ["monitoring", "monitoring/series", "models/iris/versions/1/histograms"])
    expect((await request(`/admin/${path}`)).status).toBe(401);
});

test("without a collector reports are not supported, and the response says what is missing", async () => {
  const without = createTestApp({ reports: undefined, config });
  const response = await without.request("/admin/monitoring", { headers });
  expect(response.status).toBe(501);
  expect(await response.json()).toMatchObject({
    code: "not_supported",
    detail: expect.stringMatching(/METRICS.*docs\/monitoring\.md/),
  });
});

import { beforeAll, describe, expect, test } from "vitest";
import { ADMIN_KEY, SCRATCH_PREFIX } from "../../../fuzz/admin-key.ts";
import { isAnswerDue, serialize } from "../../../fuzz/http/request.ts";
import { listJobs } from "../../../fuzz/jobs.ts";
import { createRandom } from "../../../fuzz/random.ts";
import { KINDS } from "../../../fuzz/registry.ts";
import { loadSamples } from "../../../fuzz/samples/load-samples.ts";
import type { Samples } from "../../../fuzz/samples/samples.ts";

const REQUESTS = 150;
let samples: Samples;

beforeAll(async () => {
  samples = await loadSamples();
});

describe.each(KINDS)("the kind $name", ({ name, create }) => {
  const messages = (seed: number): string[] =>
    Array.from({ length: REQUESTS }, (_, index) =>
      Buffer.from(serialize(create(createRandom(seed, name, index), samples, index))).toString(
        "latin1",
      ),
    );

  test("makes the same requests for the same seed, and others for another", () => {
    const first = messages(1);
    expect(messages(1)).toEqual(first);
    expect(messages(2)).not.toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(REQUESTS / 3);
  });

  test("publishes and deletes only scratch models", () => {
    for (let index = 0; index < REQUESTS; index++) {
      const request = create(createRandom(1, name, index), samples, index);
      const hasKey = request.headers.some(([, value]) => value.includes(ADMIN_KEY));
      if (!hasKey || !/^(PUT|DELETE)$/.test(request.method)) continue;
      // No key has the ids that are deleted.
      if (request.target.startsWith("/admin/keys/")) continue;
      expect(request.target.startsWith(`/admin/models/${SCRATCH_PREFIX}`)).toBe(true);
    }
  });
});

test("most requests are valid HTTP, to which a response is due", () => {
  const jobs = [...listJobs({ ...options(), requests: 1000 })];
  const due = jobs.filter(({ request }) => isAnswerDue(request));
  expect(due.length).toBeGreaterThan(900);
  expect(due.length).toBeLessThan(1000);
});

test("models are spread evenly among the requests, after the seeds", () => {
  const seed = {
    kind: "json",
    cause: "",
    requests: [{ method: "GET", target: "/seed", headers: [] }],
  };
  const jobs = [...listJobs({ ...options(), requests: 100, models: 10, seeds: [seed] })];
  expect(jobs[0]?.request.target).toBe("/seed");
  const models = jobs.flatMap(({ kind }, position) => (kind.name === "models" ? [position] : []));
  expect(models).toHaveLength(10);
  expect(
    Math.min(...models.slice(1).map((position, index) => position - (models[index] ?? 0))),
  ).toBe(11);
});

test("the routes are those of the Worker, with their methods", () => {
  const routes = samples.routes.map(({ method, path }) => `${method} ${path}`);
  expect(routes).toContain("POST /v2/models/{model}/versions/{version}/infer");
  expect(routes).toContain("DELETE /admin/models/{model}/versions/{version}");
});

function options() {
  return { samples, kinds: KINDS, seed: 1, requests: 0, models: 0, first: 0, seeds: [] };
}

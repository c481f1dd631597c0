import { beforeEach, expect, test } from "vitest";
import type { KeyPolicy } from "../../../src/domain/access/key-policy.ts";
import type { Limiter } from "../../../src/domain/access/limiter.ts";
import { migrate } from "../../../src/domain/durable-object/migrate.ts";
import { ApiError, type ErrorCode } from "../../../src/domain/errors.ts";
import type { Phase } from "../../../src/domain/trace.ts";
import { createLeases } from "../../../src/guard/authority/leases.ts";
import { MIGRATIONS } from "../../../src/guard/authority/migrations.ts";
import { createCpuCosts } from "../../../src/guard/cpu-costs.ts";
import { createLimiter } from "../../../src/guard/limiter.ts";
import { limit } from "../../../src/http/limit.ts";
import { createHttpApp, type HttpApp } from "../../support/http-app.ts";
import { createTestStorage } from "../../support/sql.ts";

const policy: KeyPolicy = {
  id: "AAAAAAAAAAAA",
  name: "a key",
  scopes: ["predict"],
  quota: { requestsPerDay: 10 },
};

let limiter: Limiter;
let app: HttpApp;
/** What the next request does: the phases that it reaches, and how it ends. */
let run: { readonly reaches: readonly Phase[]; readonly code: ErrorCode };

beforeEach(() => {
  const storage = createTestStorage();
  migrate(storage, MIGRATIONS);
  const leases = createLeases(storage, {
    find: () => ({ policy, state: "active", digests: [] }),
  });
  limiter = createLimiter({
    longestMs: 30_000,
    authority: {
      lease: async (request) => leases.lease(request),
      usage: async (key) => leases.usage(key),
    },
  });
  app = createHttpApp({
    middleware: [
      (c, next) => {
        c.set("principal", {
          kind: "key",
          label: `key:${policy.id}`,
          id: async () => policy.id,
          scopes: new Set(policy.scopes),
          policy,
        });
        return next();
      },
      limit({ limiter, cpuCosts: createCpuCosts() }),
    ],
  });
  app.routes.get("/", (c) => {
    for (const phase of run.reaches) c.get("trace").add(phase, 1);
    throw new ApiError(run.code, "It has failed.");
  });
});

test.each<[isCounted: boolean, code: ErrorCode, reaches: readonly Phase[]]>([
  [false, "overloaded", []],
  [false, "deadline_exceeded", ["parse"]],
  [true, "deadline_exceeded", ["parse", "infer"]],
  [true, "deadline_exceeded", ["decode"]],
  [true, "out_of_memory", ["parse", "infer"]],
  [false, "engine_crashed", ["parse", "infer"]],
  [false, "storage_failed", []],
  [true, "invalid_input", ["parse"]],
])("counts (%s) a request with %s that has reached %j", async (isCounted, code, reaches) => {
  run = { code, reaches };
  await app.request("/");
  expect(limiter.limits(policy)).toMatchObject([{ remaining: isCounted ? 9 : 10 }]);
});

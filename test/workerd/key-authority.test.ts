import { afterAll, beforeAll, expect, inject, test } from "vitest";
import type { AuthorityStub } from "../../src/guard/remote-authority.ts";
import { createRemoteAuthority } from "../../src/guard/remote-authority.ts";
import { hostingAuthority, sharingAuthority } from "../support/authorities.ts";
import { startWorkers, type Workers } from "../support/workers.ts";

let workers: Workers;

beforeAll(async () => {
  const common = {
    code: { outdir: inject("workerBuild") },
    bindings: { ADMIN_KEY: "a-key-for-tests" },
    r2Buckets: { MODELS: "models" },
  };
  workers = await startWorkers([
    { name: "first", ...common, ...hostingAuthority() },
    { name: "second", ...common, ...sharingAuthority("first") },
  ]);
});

afterAll(() => workers?.dispose());

const by = { label: "key:12345678", scopes: ["admin"] } as const;

test("two Workers share an authority", async () => {
  const authorityOf = async (name: string) => {
    const namespace = await workers.miniflare.getDurableObjectNamespace("KEYS", name);
    return createRemoteAuthority(
      () => namespace.get(namespace.idFromName("keys")) as unknown as AuthorityStub,
    );
  };
  const first = await authorityOf("first");
  const second = await authorityOf("second");
  const identity = { id: "0123456789ab", sha256: "0".repeat(64) };
  const created = await first.createKey(identity, { name: "a", scopes: ["predict"] }, by);
  expect(await second.getKey(identity.id, by)).toEqual(created);
  expect(await second.find([identity.id, "ba9876543210"])).toEqual([
    {
      policy: { id: identity.id, name: "a", scopes: ["predict"] },
      state: "active",
      digests: [{ sha256: identity.sha256 }],
    },
    undefined,
  ]);
  await expect(second.getKey("ba9876543210", by)).rejects.toMatchObject({ code: "key_not_found" });
  for (const name of ["first", "second"]) {
    const origin = await workers.originOf(name);
    expect((await fetch(`${origin}/v2/health/live`)).status).toBe(200);
  }
});

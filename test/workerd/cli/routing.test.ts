import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { HistoryEntry, Route } from "../../../src/domain/routing.ts";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { type CliResult, runCli } from "../../support/cli.ts";
import { poll } from "../../support/poll.ts";
import { findModel, publishAs } from "../../support/publish.ts";

/** The commands of routing, against a Worker with three versions of each model. */

interface Routing {
  readonly revision: number;
  readonly aliases: Readonly<Record<string, Route>>;
  readonly default: Route | null;
}

const INPUT = ["--input", "[5.1, 3.5, 1.4, 0.2]"];

let service: AdministeredService;
let model: string;
let count = 0;
beforeAll(async () => {
  service = await startAdministeredService();
});
afterAll(() => service?.dispose());

beforeEach(async () => {
  count += 1;
  model = `iris-${count}`;
  const stored = findModel("iris-logistic");
  for (const version of ["1", "2", "3"])
    await publishAs(service.bucket, stored, { ...stored.manifest, name: model, version });
});

function run(...args: string[]): Promise<CliResult> {
  const env = { ONNXFLARE_URL: service.origin, ONNXFLARE_KEY: ADMIN_KEY };
  return runCli(args, { env });
}

async function change(...args: string[]): Promise<Routing> {
  const result = await run(...args, "--json");
  expect(result.code, result.stderr).toBe(0);
  return result.json<Routing>();
}

async function served(reference: string, ...options: string[]): Promise<string | undefined> {
  const { code, stderr } = await run("predict", reference, ...INPUT, ...options);
  expect(code, stderr).toBe(0);
  return /: version (\d+)/.exec(stderr)?.[1];
}

describe("alias and promote", () => {
  test("point an alias at a version, which serves its requests from then on", async () => {
    const routing = await change("alias", model, "canary", "2");
    expect(routing.aliases.canary?.split).toEqual([{ version: "2", weight: 1 }]);
    expect(await served(`${model}@canary`)).toBe("2");
    await change("promote", model, "1", "--alias", "canary", "--note", "a reason");
    expect(await served(`${model}@canary`)).toBe("1");
    expect(await served(model)).toBe("3");
  });

  test("pin the default, and make it the newest version again", async () => {
    await change("alias", model, "default", "1");
    expect(await served(model)).toBe("1");
    const routing = await change("alias", model, "default", "newest");
    expect(routing.default).toBeNull();
    expect(await served(model)).toBe("3");
  });

  test("remove an alias", async () => {
    await change("alias", model, "canary", "2");
    const removed = await run("alias", model, "canary", "--remove");
    expect(removed).toMatchObject({ code: 0, stdout: `${model}@canary: no route\n` });
    const gone = await run("predict", `${model}@canary`, ...INPUT);
    expect(gone.code).toBe(5);
    expect(gone.stderr).toContain("alias_not_found");
  });

  test("refuse a version that does not exist", async () => {
    const result = await run("promote", model, "9", "--alias", "production");
    expect(result.code).toBe(5);
    expect(result.stderr).toContain("version_not_found");
  });
});

describe("split", () => {
  test("gives a client the same version each time, by its header", async () => {
    const text = await run("split", model, "production", "1=50", "2=50", "--sticky", "header");
    expect(text.stdout).toBe(`${model}@production: 1=50 2=50, sticky by header\n`);
    const first = await served(`${model}@production`, "--sticky-key", "somebody");
    expect(["1", "2"]).toContain(first);
    expect(await served(`${model}@production`, "--sticky-key", "somebody")).toBe(first);
  });

  test("keeps weights as they are given", async () => {
    const { aliases } = await change("split", model, "production", "1=99.5", "2=0.5");
    expect(aliases.production?.split).toEqual([
      { version: "1", weight: 99.5 },
      { version: "2", weight: 0.5 },
    ]);
  });
});

describe("rollback and history", () => {
  test("a rollback restores the route before the last change, a second one goes further back", async () => {
    for (const version of ["1", "2", "3"])
      await change("promote", model, version, "--alias", "production");
    const back = await run("rollback", model, "--alias", "production");
    expect(back.stdout).toBe(`${model}@production: version 2\n`);
    expect(await served(`${model}@production`)).toBe("2");
    const { aliases } = await change("rollback", model, "--alias", "production", "--note", "slow");
    expect(aliases.production?.split).toEqual([{ version: "1", weight: 1 }]);
    const first = await change("rollback", model, "--alias", "production", "--to", "3");
    expect(first.aliases.production?.split).toEqual([{ version: "3", weight: 1 }]);
  });

  test("history says who changed what and why, newest first", async () => {
    await change(
      "promote",
      model,
      "1",
      "--alias",
      "production",
      "--actor",
      "ada",
      "--note",
      "first",
    );
    await change("split", model, "production", "1=9", "2=1", "--actor", "ada");
    const { entries } = (await run("history", model, "--json")).json<{ entries: HistoryEntry[] }>();
    expect(entries.map(({ revision, actor, note }) => ({ revision, actor, note }))).toEqual([
      { revision: 2, actor: "ada", note: undefined },
      { revision: 1, actor: "ada", note: "first" },
    ]);
    const table = await run("history", model, "--limit", "1");
    expect(table.stdout).toContain("alias production: version 1 -> 1=9 2=1");
    expect(table.stdout).not.toContain("first");
  });

  test("history --at is the routing at that time, and rollback --at restores it", async () => {
    await change("promote", model, "1", "--alias", "production");
    const { entries } = (await run("history", model, "--json")).json<{ entries: HistoryEntry[] }>();
    const at = entries[0]?.at ?? "";
    await change("promote", model, "2", "--alias", "production");
    const then = (await run("history", model, "--at", at, "--json")).json<Routing>();
    expect(then.aliases.production?.split).toEqual([{ version: "1", weight: 1 }]);
    const { aliases } = await change("rollback", model, "--alias", "production", "--at", at);
    expect(aliases.production?.split).toEqual([{ version: "1", weight: 1 }]);
  });

  test("what cannot be rolled back is a conflict", async () => {
    const result = await run("rollback", model, "--alias", "production");
    expect(result.code).toBe(6);
    expect(result.stderr).toContain("routing_conflict");
    const both = await run("rollback", model, "--alias", "production", "--to", "1", "--at", "1h");
    expect(both.code).toBe(2);
  });
});

describe("shadow", () => {
  test("copies requests, counts how the answers agree, and ends", async () => {
    await change("promote", model, "1", "--alias", "production");
    const { aliases } = await change("shadow", model, "production", "2", "--sample", "100%");
    expect(aliases.production?.shadow).toEqual({ version: "2", sample: 1 });
    expect(await served(`${model}@production`)).toBe("1");
    // The copy runs after the response.
    const counts = await poll("copy of the request", async () => {
      const read = (await run("shadow", model, "--json")).json<{ pairs: { same: number }[] }>();
      return read.pairs.some(({ same }) => same > 0) ? read : undefined;
    });
    expect(counts).toMatchObject({
      pairs: [{ alias: "production", version: "1", shadowVersion: "2", same: 1, different: 0 }],
    });
    expect((await run("shadow", model)).stdout).toMatch(/production\s+1\s+2\s+1\s+0\s+0\s+0/);
    const ended = await change("shadow", model, "production", "--off");
    expect(ended.aliases.production?.shadow).toBeUndefined();
  });

  test("needs a version or --off", async () => {
    expect((await run("shadow", model, "production")).code).toBe(2);
  });
});

describe("inspect", () => {
  test("shows versions and routes", async () => {
    await change("split", model, "production", "1=9", "2=1");
    const { stdout, code } = await run("inspect", model);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^3\s+\d{4}-.*tabular-classification/m);
    expect(stdout).toMatch(new RegExp(`^${model}@production\\s+1=9 2=1$`, "m"));
    expect(stdout).toMatch(new RegExp(`^${model}\\s+the newest version$`, "m"));
  });

  test("of a model that does not exist is exit code 5", async () => {
    expect((await run("inspect", "nothing")).code).toBe(5);
  });
});

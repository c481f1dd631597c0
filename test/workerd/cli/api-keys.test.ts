import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateEncryptionKey } from "../../../packages/cli/src/signing/generate-keys.ts";
import { projectPath } from "../../../scripts/project.ts";
import { keyIdIn } from "../../../src/domain/access/api-key.ts";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { type CliResult, runCli } from "../../support/cli.ts";
import { poll } from "../../support/poll.ts";

/** The commands that manage API keys, and others with such keys, against a server that is closed to anybody else. */

const IRIS = "[5.1, 3.5, 1.4, 0.2]";
const INPUT = `{"inputs": ${IRIS}}`;
const PREDICT = ["predict", "iris-logistic", "--input", IRIS, "--retries", "0"];

let service: AdministeredService;
let folder: string;
const secrets: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-api-keys-"));
  service = await startAdministeredService({
    vars: { PUBLIC_PREDICT: "false", PRIVACY_KEY: generateEncryptionKey() },
    models: ["iris-logistic", "iris-kmeans"],
  });
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await service?.dispose();
});

function run(args: readonly string[], key: string | undefined = ADMIN_KEY): Promise<CliResult> {
  const env = { ONNXFLARE_URL: service.origin, ...(key !== "" && { ONNXFLARE_KEY: key }) };
  return runCli(args, { env });
}

/** @returns the secret, which is all of standard output */
async function create(...options: string[]): Promise<{ key: string; id: string }> {
  const created = await run(["keys", "create", "a test", ...options]);
  expect(created.code, created.stderr).toBe(0);
  const key = created.stdout.trim();
  const id = keyIdIn(key);
  expect(id, created.stdout).toBeDefined();
  expect(created.stderr).not.toContain(key);
  secrets.push(key);
  return { key, id: String(id) };
}

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly quota?: object;
}

const show = async (id: string): Promise<Shown> =>
  (await run(["keys", "show", id, "--json"])).json<Shown>();

/** Waits until a prediction with the key has this status: isolates keep what they know of a key for five seconds at most. */
function answers(key: string, status: number): Promise<true> {
  return poll(`status ${status}`, async () => {
    const headers = { authorization: `Bearer ${key}` };
    const response = await service.post("/models/iris-logistic", JSON.parse(INPUT), headers);
    return response.status === status || undefined;
  });
}

test("a key is printed once, alone, and predicts by ONNXFLARE_KEY", async () => {
  const { key, id } = await create("--requests-per-day", "100", "--owner", "search-team");
  const predicted = await run(PREDICT, key);
  expect(predicted.stdout).toContain("setosa");
  expect(await show(id)).toMatchObject({
    id,
    name: "a test",
    scopes: ["predict"],
    state: "active",
    owner: "search-team",
    quota: { requestsPerDay: 100 },
  });
  const shown = await run(["keys", "show", id]);
  expect(shown.stdout).toMatch(/^requestsPerDay +(?:\d+ of 100 used|100)$/m);
  const listed = await run(["keys", "list", "--owner", "search-team"]);
  expect(listed.stdout).toMatch(new RegExp(`^${id} +active +a test +predict +\\*`, "m"));
  for (const { stdout } of [shown, listed]) expect(stdout).not.toContain(key);
});

test("a key is written into a file that only the user can read, and not over another", async () => {
  const file = join(folder, "new.key");
  const create = (): Promise<CliResult> =>
    run(["keys", "create", "a file", "--out", file, "--json"]);
  const created = await create();
  expect(created.json()).toMatchObject({ file, name: "a file" });
  expect(created.stdout).not.toContain("of_live_".concat(created.json<Shown>().id, "0"));
  const key = readFileSync(file, "utf8").trim();
  secrets.push(key);
  expect(keyIdIn(key)).toBe(created.json<Shown>().id);
  expect(created.stdout).not.toContain(key);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const before = (await run(["keys", "list", "--json"])).json<{ keys: Shown[] }>().keys.length;
  expect((await create()).code).toBe(2);
  const { keys } = (await run(["keys", "list", "--json"])).json<{ keys: Shown[] }>();
  expect(keys).toHaveLength(before);
});

test("a key is changed, disabled, enabled, rotated and revoked", async () => {
  const { key, id } = await create("--models", "iris-kmeans", "--requests-per-day", "5");
  const forbidden = await run(PREDICT, key);
  expect(forbidden).toMatchObject({ code: 4, stdout: "" });
  expect(forbidden.stderr).toContain("keys update");
  const updated = await run([
    "keys",
    "update",
    id,
    "--models",
    "iris-*",
    "--requests-per-day",
    "none",
  ]);
  expect(updated.stdout).toMatch(/^models +iris-\*$/m);
  expect((await show(id)).quota ?? {}).not.toHaveProperty("requestsPerDay");
  await answers(key, 200);
  await run(["keys", "disable", id]);
  await answers(key, 401);
  const refused = await run(PREDICT, key);
  expect(refused).toMatchObject({ code: 4, stdout: "" });
  expect(refused.stderr).toContain("keys list");
  await run(["keys", "enable", id]);
  await answers(key, 200);
  const rotated = await run(["keys", "rotate", id, "--overlap", "0s"]);
  const next = rotated.stdout.trim();
  secrets.push(next);
  expect(keyIdIn(next)).toBe(id);
  expect(next).not.toBe(key);
  await answers(key, 401);
  await answers(next, 200);
  expect((await run(["keys", "revoke", id])).stdout).toMatch(/^state +revoked$/m);
  await answers(next, 401);
  expect((await run(["keys", "update", id, "--name", "x"])).code).toBe(6);
});

test("a quota that is used up is code 10, at once", async () => {
  const { key, id } = await create("--requests-per-day", "1");
  expect((await run(PREDICT, key)).code).toBe(0);
  const refused = await run(["predict", "iris-logistic", "--input", IRIS], key);
  expect(refused).toMatchObject({ code: 10, stdout: "" });
  expect(refused.stderr).toContain("quota_exceeded");
  expect(refused.stderr).toContain("00:00 UTC");
  expect(refused.stderr).not.toContain("trying again");
  await run(["keys", "revoke", id]);
});

describe("refusals have a code and a remedy", () => {
  test("without a key", async () => {
    const refused = await runCli(PREDICT, { env: { ONNXFLARE_URL: service.origin } });
    expect(refused).toMatchObject({ code: 4, stdout: "" });
    expect(refused.stderr).toContain("ONNXFLARE_KEY");
  });

  test("with a key without the scope", async () => {
    const { key } = await create("--scopes", "predict,models:read");
    expect((await run(["list"], key)).stdout).toContain("iris-logistic");
    for (const command of [
      ["audit", "list"],
      ["alias", "iris-logistic", "canary", "1"],
    ])
      expect((await run(command, key)).code, command.join(" ")).toBe(4);
  });

  test("a whole key instead of its id is not sent", async () => {
    const { key } = await create();
    const refused = await run(["keys", "show", key]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("rotate it");
  });

  test("an id that no key has", async () => {
    expect((await run(["keys", "show", "000000000000"])).code).toBe(5);
  });
});

test("changes of keys are in the audit log, without their secrets", async () => {
  const { id } = await create("--scopes", "predict,explain");
  await run(["keys", "disable", id]);
  const { entries } = (await run(["audit", "list", "--key-id", id, "--json"])).json<{
    entries: { operation: string; phase: string; details?: { before?: object; after?: object } }[];
  }>();
  const ended = entries.filter(({ phase }) => phase === "done");
  expect(ended).toMatchObject([
    {
      operation: "changeKey",
      details: { before: { state: "active" }, after: { state: "disabled" } },
    },
    { operation: "createKey", details: { after: { scopes: ["predict", "explain"] } } },
  ]);
  const all = (await run(["audit", "list", "--limit", "1000", "--json"])).stdout;
  for (const secret of [...secrets, ADMIN_KEY]) expect(all).not.toContain(secret);
  expect(secrets.length).toBeGreaterThan(5);
  expect((await run(["audit", "verify"])).code).toBe(0);
});

test("what is kept of a key is exported and erased, with a signed receipt", async () => {
  const { key, id } = await create("--owner", "somebody", "--notes", "a note");
  const file = join(folder, "export.json");
  const exported = await run(["export-data", "--key-id", id, "--out", file]);
  expect(exported.code, exported.stderr).toBe(0);
  expect(readFileSync(file, "utf8")).toContain("somebody");
  expect(readFileSync(file, "utf8")).not.toContain(key);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const receipts = join(folder, "receipts.jws");
  const erased = await run(["erase", "--key-id", id, "--receipt", receipts, "--json"]);
  expect(erased.code, erased.stderr).toBe(0);
  expect(erased.json()).toMatchObject({ receipt: { complete: true, selector: { value: id } } });
  expect(readFileSync(receipts, "utf8")).toMatch(/^(?:[\w-]+\.[\w-]+\.[\w-]+\n)+$/);
  await answers(key, 401);
  expect((await run(["export-data", "--key-id", id])).stdout).not.toContain("somebody");
  const verified = await run(["audit", "verify", "--json"]);
  expect(verified.json()).toMatchObject({ ok: true, problems: [] });
  expect(verified.json<{ erased: number }>().erased).toBeGreaterThan(0);
  for (const wrong of [[], ["--key-id", id, "--subject", "s"]])
    expect((await run(["erase", ...wrong])).code).toBe(2);
});

test("the program of docs/privacy.md verifies a receipt, and refuses one that was changed", async () => {
  const page = readFileSync(projectPath("docs", "privacy.md"), "utf8");
  const [, program = ""] = /^```js\n(.*?)^```/ms.exec(page) ?? [];
  const verifier = join(folder, "verify.mjs");
  writeFileSync(verifier, program);
  const file = join(folder, "receipt.jws");
  const erased = await run(["erase", "--subject", "user-42", "--receipt", file, "--yes"]);
  expect(erased.code, erased.stderr).toBe(0);
  const verify = () => promisify(execFile)(process.execPath, [verifier, file, service.origin]);
  expect(JSON.parse((await verify()).stdout)).toMatchObject({ complete: true });
  const [header, payload = "", signature] = readFileSync(file, "utf8").split(".");
  const receipt = JSON.parse(String(Buffer.from(payload, "base64url")));
  const changed = Buffer.from(JSON.stringify({ ...receipt, complete: false }));
  writeFileSync(file, [header, changed.toString("base64url"), signature].join("."));
  await expect(verify()).rejects.toThrow("the receipt is not of this server");
});

test("doctor examines a closed server with its key, and says what a key may not do", async () => {
  const examined = await run(["doctor"]);
  expect(examined.code, examined.stdout).toBe(0);
  for (const line of [
    /^ok +key +the server accepts the key$/m,
    /^ok +access +only clients with a key may predict$/m,
    /^ok +authority +the server has API keys and an audit log$/m,
    /^ok +served +2 of 2 ready$/m,
  ])
    expect(examined.stdout).toMatch(line);
  const { key } = await create();
  const limited = await run(["doctor"], key);
  expect(limited.code, limited.stdout).toBe(0);
  expect(limited.stdout).toMatch(
    /^warn +key +the server knows the key, which may not do everything/m,
  );
  expect(limited.stdout).toMatch(/^warn +served +not examined: the key lacks/m);
});

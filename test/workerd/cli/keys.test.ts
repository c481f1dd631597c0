import { createPrivateKey, createPublicKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runCli } from "../../support/cli.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-keys-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ["admin", /^[A-Za-z0-9_-]{32,}$/, "ADMIN_KEY"],
  ["encryption", /^[A-Za-z0-9+/]{43}=$/, "ENCRYPTION_KEY"],
])("a key of %s is printed alone, and is another one each time", async (kind, form, secret) => {
  const first = await runCli(["keys", "generate", kind]);
  const second = await runCli(["keys", "generate", kind, "--json"]);
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(first.stdout.trim()).toMatch(form);
  expect(second.json()).toMatchObject({ secret, key: expect.stringMatching(form) });
  expect(second.stdout).not.toContain(first.stdout.trim());
});

test("a key of signatures is a pair of files, of which only the user reads the private one", async () => {
  const file = join(folder, "signing.key");
  const made = await runCli(["keys", "generate", "signing", "--out", file, "--json"]);
  expect(made.code, made.stderr).toBe(0);
  const privateKey = createPrivateKey(readFileSync(file));
  const publicKey = createPublicKey(readFileSync(`${file}.pub`));
  expect(privateKey.asymmetricKeyType).toBe("ed25519");
  expect(createPublicKey(privateKey).equals(publicKey)).toBe(true);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(made.stdout).not.toContain("PRIVATE");
});

test("a file is replaced with --force only", async () => {
  const file = join(folder, "encryption.key");
  const generate = (...args: string[]) =>
    runCli(["keys", "generate", "encryption", "--out", file, ...args]);
  expect((await generate()).code).toBe(0);
  const before = readFileSync(file, "utf8");
  const refused = await generate();
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("--force");
  expect(readFileSync(file, "utf8")).toBe(before);
  expect((await generate("--force")).code).toBe(0);
  expect(readFileSync(file, "utf8")).not.toBe(before);
});

test("a kind of key that does not exist is refused, with a suggestion", async () => {
  const result = await runCli(["keys", "generate", "encrypt"]);
  expect(result).toMatchObject({ code: 2, stdout: "" });
});

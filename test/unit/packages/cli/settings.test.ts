import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CliError } from "../../../../packages/cli/src/cli-error.ts";
import { resolveSettings, type SharedOptions } from "../../../../packages/cli/src/settings.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-settings-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function resolve(options: SharedOptions = {}, env: Record<string, string> = {}, inside = "") {
  return resolveSettings(options, { env, folder: join(folder, inside) });
}

function write(name: string, content: string): void {
  writeFileSync(join(folder, name), content);
}

function failure(work: () => unknown): CliError {
  try {
    work();
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("the URL of the server", () => {
  test("is that of a local server by default", () => {
    expect(resolve()).toMatchObject({
      url: "http://127.0.0.1:8787",
      isLocal: true,
      key: undefined,
      retries: 4,
      json: false,
    });
  });

  test("is taken from the flag, then the environment, then onnxflare.json of a folder above", () => {
    write("onnxflare.json", '{"url": "https://file.example/ml/", "retries": 2}');
    mkdirSync(join(folder, "deep", "er"), { recursive: true });
    const env = { ONNXFLARE_URL: "https://env.example" };
    expect(resolve({}, {}, "deep/er")).toMatchObject({
      url: "https://file.example/ml",
      retries: 2,
      isLocal: false,
      urlFile: join(folder, "onnxflare.json"),
    });
    expect(resolve({}, env)).toMatchObject({ url: "https://env.example", urlFile: undefined });
    expect(resolve({ url: "https://flag.example", retries: "0" }, env)).toMatchObject({
      url: "https://flag.example",
      retries: 0,
    });
  });

  test("an empty environment variable counts as unset", () => {
    expect(resolve({}, { ONNXFLARE_URL: "", ONNXFLARE_KEY: " " })).toMatchObject({
      url: "http://127.0.0.1:8787",
      key: undefined,
    });
  });

  test.each([
    ["not a url", "is not an HTTP URL"],
    ["ftp://a.example", "is not an HTTP URL"],
    ["https://a.example/?q=1", "no query"],
    ["https://user:secret@a.example", "no user"],
  ])("%s is refused", (url, message) => {
    const error = failure(() => resolve({ url }));
    expect(error.reason).toBe("usage");
    expect(error.message).toContain(`--url`);
    expect(error.message).toContain(message);
  });
});

describe("the key", () => {
  test("is taken from the flag, then the environment", () => {
    const env = { ONNXFLARE_KEY: "of-env" };
    expect(resolve({}, env)).toMatchObject({ key: "of-env", isKeyGiven: true });
    expect(resolve({ key: "of-flag" }, env)).toMatchObject({ key: "of-flag", isKeyGiven: true });
  });

  test.each(["http://127.0.0.1:9000", "http://localhost:1", "http://[::1]:8787"])(
    "is ADMIN_KEY of the project's .dev.vars for the local server %s",
    (url) => {
      write("wrangler.toml", "");
      write(".dev.vars", "ADMIN_KEY=local-key\n");
      mkdirSync(join(folder, "models"));
      expect(resolve({ url }, {}, "models")).toMatchObject({ key: "local-key", isKeyGiven: false });
    },
  );

  test.each([
    "https://onnxflare.example.workers.dev",
    "http://127.0.0.1.example.com",
    "http://10.0.0.1",
  ])("of .dev.vars is never used for %s, which is not local", (url) => {
    write("wrangler.toml", "");
    write(".dev.vars", "ADMIN_KEY=local-key\n");
    expect(resolve({ url }).key).toBeUndefined();
  });

  test("of .dev.vars is not used outside of a project", () => {
    write(".dev.vars", "ADMIN_KEY=local-key\n");
    expect(resolve().key).toBeUndefined();
  });

  test("is that of .dev.vars beside onnxflare.json too", () => {
    write("onnxflare.json", "{}");
    write(".dev.vars", "ADMIN_KEY=local-key\n");
    expect(resolve().key).toBe("local-key");
  });

  test.each(["key", "adminKey", "ADMIN_KEY", "token", "clientSecret"])(
    "is refused in onnxflare.json as %s, without repeating it",
    (name) => {
      write("onnxflare.json", JSON.stringify({ [name]: "hunter2" }));
      const error = failure(() => resolve());
      expect(error.reason).toBe("usage");
      expect(error.message).toContain(`"${name}"`);
      expect(error.hint).toContain("ONNXFLARE_KEY");
      expect(`${error.message}${error.hint}`).not.toContain("hunter2");
    },
  );
});

test.each([
  ["{", "can't be read"],
  ['{"uri": "https://a.example"}', "not valid"],
  ['{"retries": -1}', "not valid"],
  ["[]", "not valid"],
])("onnxflare.json with %s is refused with its path", (content, message) => {
  write("onnxflare.json", content);
  const error = failure(() => resolve());
  expect(error.reason).toBe("usage");
  expect(error.message).toContain(join(folder, "onnxflare.json"));
  expect(error.message).toContain(message);
});

test.each(["-1", "x", "21", "1.5"])("--retries %s is refused", (retries) => {
  expect(failure(() => resolve({ retries })).message).toContain("--retries");
});

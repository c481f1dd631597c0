import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "../../../packages/cli/src/local/run-program.ts";
import { projectPath } from "../../../scripts/project.ts";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { type CliResult, runCli } from "../../support/cli.ts";

/** The command line as a process: how it finds its settings, what it writes where, and how it ends. */

let service: AdministeredService;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-cli-"));
  service = await startAdministeredService({ models: ["iris-logistic", "digits-cnn"] });
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await service?.dispose();
});

function run(...args: string[]): Promise<CliResult> {
  const env = { ONNXFLARE_URL: service.origin, ONNXFLARE_KEY: ADMIN_KEY };
  return runCli(args, { env });
}

test("flags come before the environment, and the environment before onnxflare.json", async () => {
  writeFileSync(join(folder, "onnxflare.json"), JSON.stringify({ url: service.origin }));
  const key = { ONNXFLARE_KEY: ADMIN_KEY };
  const names = async (args: string[], env: Record<string, string>): Promise<number | null> =>
    (await runCli(["list", "--json", "--retries", "0", ...args], { env, cwd: folder })).code;
  const nobody = "http://127.0.0.1:1";
  expect(await names([], key)).toBe(0);
  expect(await names([], { ...key, ONNXFLARE_URL: nobody })).toBe(3);
  expect(await names(["--url", service.origin], { ...key, ONNXFLARE_URL: nobody })).toBe(0);
  expect(await names(["--key", "another"], key)).toBe(4);
});

test("the key of a project's .dev.vars is used for its local server", async () => {
  const project = mkdtempSync(join(tmpdir(), "onnxflare-project-"));
  writeFileSync(join(project, "wrangler.toml"), "");
  writeFileSync(join(project, ".dev.vars"), `ADMIN_KEY=${ADMIN_KEY}\n`);
  const result = await runCli(["list", "--url", service.origin], { cwd: project });
  rmSync(project, { recursive: true });
  expect(result).toMatchObject({ code: 0, stderr: "" });
});

test("a key in onnxflare.json is refused", async () => {
  const other = mkdtempSync(join(tmpdir(), "onnxflare-secret-"));
  writeFileSync(join(other, "onnxflare.json"), '{"key": "hunter2"}');
  const result = await runCli(["list"], { cwd: other });
  rmSync(other, { recursive: true });
  expect(result.code).toBe(2);
  expect(result.stderr).toContain("ONNXFLARE_KEY");
  expect(result.stderr).not.toContain("hunter2");
});

describe("what is not valid", () => {
  test.each([
    [["lst"], "Did you mean list?"],
    [["list", "--jsn"], "Did you mean --json?"],
    [["inspect"], "missing required argument 'model'"],
    [["inspect", "No Model"], "A model's name has 1 to 63"],
    [["promote", "a", "1"], "required option '--alias <alias>' not specified"],
    [["list", "--url", "nowhere"], "is not an HTTP URL"],
    [["list", "extra"], "too many arguments"],
    [["alias", "a", "b"], "name the version, or remove the alias"],
    [["predict", "a", "--input", "text"], "--input is not JSON"],
    [["predict", "a", "--input", "@/no/such/file"], "can't be read"],
  ])("%j ends with exit code 2, and says what is", async (args, message) => {
    const result = await run(...args);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toContain(message);
  });

  test("a server that cannot be reached is exit code 3, with how to start one", async () => {
    const result = await run("list", "--url", "http://127.0.0.1:1", "--retries", "1");
    expect(result).toMatchObject({ code: 3, stdout: "" });
    expect(result.stderr).toContain("trying again in");
    expect(result.stderr).toContain("npm start");
  });

  test("a wrong key is exit code 4, a missing one too", async () => {
    const wrong = await run("list", "--key", "wrong");
    expect(wrong.code).toBe(4);
    expect(wrong.stderr).toMatch(/code unauthorized, request id \S+/);
    const missing = await runCli(["list", "--url", service.origin]);
    expect(missing.code).toBe(4);
    expect(missing.stderr).toContain("--key");
  });

  test("a model that does not exist is exit code 5, as a JSON error with --json", async () => {
    const result = await run("predict", "nothing", "--input", "1", "--json");
    expect(result).toMatchObject({ code: 5, stdout: "" });
    const { error } = JSON.parse(result.stderr);
    expect(error).toMatchObject({ code: "model_not_found", status: 404, exitCode: 5 });
    expect(error.message).toContain('"nothing"');
    expect(error.requestId).toMatch(/\S/);
  });

  test("the command line itself is a JSON error with --json too", async () => {
    const result = await run("split", "a", "b", "1=0", "--json");
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(JSON.parse(result.stderr)).toMatchObject({ error: { exitCode: 2 } });
    expect(JSON.parse(result.stderr).error.message).toContain("A share is VERSION=WEIGHT");
  });

  test("an input that a model refuses is exit code 7", async () => {
    const result = await run("predict", "iris-logistic", "--input", '["a"]');
    expect(result).toMatchObject({ code: 7, stdout: "" });
  });
});

describe("list", () => {
  test("prints the versions as a table, without colours where there is no terminal", async () => {
    const { stdout, code } = await run("list");
    expect(code).toBe(0);
    expect(stdout.split("\n")[0]).toMatch(/^MODEL\s+VERSION/);
    expect(stdout).toMatch(/^digits-cnn\s+1/m);
    expect(stdout).not.toContain("\u001b");
  });

  test("prints one JSON document with --json, before or after the command", async () => {
    const after = await run("list", "--json");
    const before = await run("--json", "list");
    const names = after.json<{ models: { name: string }[] }>().models.map(({ name }) => name);
    expect(names.sort()).toEqual(["digits-cnn", "iris-logistic"]);
    expect(before.stdout).toBe(after.stdout);
  });
});

describe("explain", () => {
  const args = ["explain", "iris-logistic", "--input", "[5.1, 3.5, 1.4, 0.2]"];
  const parameters = JSON.stringify({ background: [[6.7, 3, 5.2, 2.3]], space: "probability" });
  const exact = ["--method", "exact", "--parameters", parameters];

  test("shows a bar for each feature, the longest first", async () => {
    const { stdout, stderr, code } = await run(...args, ...exact);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^setosa {2}probability 0\.9768 = /);
    expect(stdout.split("\n")[1]).toMatch(/^petal length \(cm\) = 1\.4 +\+0\.\d+ +█{24}$/);
    expect(stderr).toContain("iris-logistic: version 1");
  });

  test("writes a chart to a file", async () => {
    const file = join(folder, "explanation.svg");
    const chart = ["--format", "svg", "--output", file, "--of", "virginica"];
    expect(await run(...args, ...exact, ...chart)).toMatchObject({ code: 0, stdout: "" });
    expect(readFileSync(file, "utf8")).toMatch(/^<svg .*virginica/s);
  });
});

describe("background", () => {
  test("rows of a file are kept, shown, used by explanations and deleted", async () => {
    const file = join(folder, "rows.csv");
    const rows = ["6.7,3,5.2,2.3", "5.7,2.8,4.1,1.3", "6.3,2.7,4.9,1.8", "5.1,3.8,1.6,0.2"];
    writeFileSync(
      file,
      `sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n${rows.join("\n")}\n`,
    );
    const input = ["--input", "[5.1, 3.5, 1.4, 0.2]"];
    const kept = await run("background", "iris-logistic", "set", file, "--rows", "2", "--json");
    expect(kept.code, kept.stderr).toBe(0);
    expect(kept.json()).toMatchObject({ name: "iris-logistic", version: "1", rows: 2 });
    const shown = await run("background", "iris-logistic", "show", "--json");
    expect(shown.json<{ inputs: unknown[] }>().inputs).toHaveLength(2);
    expect((await run("explain", "iris-logistic", ...input)).code).toBe(0);
    expect((await run("background", "iris-logistic@1", "delete")).stdout).toBe(
      "deleted the background rows of iris-logistic version 1\n",
    );
    const without = await run("explain", "iris-logistic", ...input);
    expect(without.code).toBe(7);
    expect(without.stderr).toContain("has no background rows");
  });
});

describe("predict", () => {
  const INPUT = "[5.1, 3.5, 1.4, 0.2]";
  /** README.md: probabilities of scikit-learn, within float32. */
  const EXPECTED = [0.9768070578575134, 0.02319279871881008, 1.3650365815465193e-7];

  test("prints the server's JSON with --json, and a table without", async () => {
    const json = await run("predict", "iris-logistic", "--input", INPUT, "--json");
    const scores = json.json<{ label: string; score: number }[]>();
    expect(scores.map(({ score }) => score)).toEqual(EXPECTED);
    const table = await run("predict", "iris-logistic", "--input", INPUT);
    expect(table.stdout).toBe("setosa      0.9768\nversicolor  0.0232\nvirginica   1.37e-7\n");
    expect(table.stderr).toContain("iris-logistic: version 1");
  });

  test("reads standard input, files and parameters", async () => {
    const env = { ONNXFLARE_URL: service.origin };
    const parameters = ["--parameters", '{"top_k": 1}', "--json"];
    const piped = await runCli(["predict", "iris-logistic@1", "--input", "-", ...parameters], {
      env,
      input: INPUT,
    });
    expect(piped.json()).toEqual([{ label: "setosa", score: EXPECTED[0] }]);
    const file = join(folder, "row.csv");
    const names = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)";
    writeFileSync(file, `${names}\n5.1,3.5,1.4,0.2\n`);
    const table = await runCli(["predict", "iris-logistic", "--input", `@${file}`, "--json"], {
      env,
    });
    expect(table.code, table.stderr).toBe(0);
  });

  test("sends tensors of the Open Inference Protocol", async () => {
    const tensors = {
      inputs: [{ name: "features", datatype: "FP32", shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] }],
    };
    const result = await run(
      "predict",
      "iris-logistic",
      "--input",
      JSON.stringify(tensors),
      "--json",
    );
    const { outputs } = result.json<{ outputs: { name: string; data: number[] }[] }>();
    expect(outputs.find(({ name }) => name === "probabilities")?.data).toEqual(EXPECTED);
  });
});

describe("help", () => {
  test.each([["--help"], ["list", "--help"], ["help", "split"]])(
    "of %j has examples",
    async (...args) => {
      const { code, stdout } = await runCli(args);
      expect(code).toBe(0);
      expect(stdout).toContain("Examples:");
    },
  );

  test("needs no server, and runs by the Node of the system in a checkout", async () => {
    const bin = projectPath("packages", "cli", "bin", "onnxflare.mjs");
    const { code, output } = await runProgram(process.execPath, [bin, "--version"]);
    expect({ code, output }).toEqual({ code: 0, output: "0.1.0\n" });
  });
});

test("a reader that has seen enough ends it without an error", async () => {
  const main = projectPath("packages", "cli", "src", "main.ts");
  const { code, output } = await runProgram("sh", [
    "-c",
    `"${process.execPath}" "${main}" completion fish | head -1`,
  ]);
  expect({ code, output }).toEqual({
    code: 0,
    output: "# fish completion for onnxflare -*- shell-script -*-\n",
  });
});

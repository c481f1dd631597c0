import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import {
  ADMIN_KEY,
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { type CliResult, runCli } from "../../support/cli.ts";
import { findModel, publishAs } from "../../support/publish.ts";

/** The commands that compare, delete and clean up. */

const IRIS = "[5.1, 3.5, 1.4, 0.2]";

let service: AdministeredService;
let folder: string;
let model: string;
let count = 0;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-operations-"));
  service = await startAdministeredService();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await service?.dispose();
});

/** The first two versions are the same model, the third one has other labels. */
beforeEach(async () => {
  count += 1;
  model = `iris-${count}`;
  const stored = findModel("iris-logistic");
  for (const version of ["1", "2"])
    await publishAs(service.bucket, stored, { name: model, version });
  const labels = ["virginica", "versicolor", "setosa"];
  const other = { ...stored, manifest: { ...stored.manifest, labels } };
  await publishAs(service.bucket, other, { name: model, version: "3" });
});

function run(...args: string[]): Promise<CliResult> {
  const env = { ONNXFLARE_URL: service.origin, ONNXFLARE_KEY: ADMIN_KEY };
  return runCli(args, { env });
}

describe("profile and drift", () => {
  test("a profile is made of a file, printed, and used for reports", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => [4.5 + i / 10, 3 + (i % 7) / 10, 1.5, 0.2]);
    const file = join(folder, "rows.jsonl");
    writeFileSync(file, rows.map((row) => JSON.stringify(row)).join("\n"));
    const made = await run("profile", `${model}@1`, file);
    expect(made.code, made.stderr).toBe(0);
    expect(made.stdout).toMatch(/sepal length \(cm\)\s+numeric\s+30\s+0\s+mean 5\.95/);
    const printed = await run("profile", `${model}@1`, "--json");
    expect(printed.json()).toMatchObject({ model, rows: 30 });
    expect((await run("drift", `${model}@1`)).stdout).toContain("too few requests yet");
    expect((await run("drift", `${model}@2`)).stdout).toContain("no reference profile");
  });

  test("push makes the profile of the version that it publishes", async () => {
    const path = projectPath("models", "iris-logistic", "1");
    const file = join(folder, "rows.csv");
    const names = "sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)";
    const lines = Array.from({ length: 25 }, (_, i) => `${4 + i / 10},3,${1 + i / 9},0.2`);
    writeFileSync(file, [names, ...lines].join("\n"));
    const pushed = await run("push", path, "--name", `${model}-pushed`, "--reference", file);
    expect(pushed.code, pushed.stderr).toBe(0);
    expect(pushed.stdout).toContain("profile of 25 rows");

    writeFileSync(file, "a,b\n1,2\n");
    const refused = await run("push", path, "--name", `${model}-pushed`, "--reference", file);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain(
      `published ${model}-pushed version 2, without a reference profile; make it: onnxflare profile ${model}-pushed@2 DATA`,
    );
  });
});

describe("diff", () => {
  test("compares the answers to the version's example", async () => {
    const same = await run("diff", model, "1", "2");
    expect(same.code, same.stderr).toBe(0);
    expect(same.stdout).toBe(
      `example of version 1  same  score_difference 0\n${model} versions 1 and 2: 1 of 1 answers are the same\n`,
    );
  });

  test("says how answers differ, and with --exit-code by its exit code", async () => {
    const different = await run("diff", model, "1", "3", "--json");
    expect(different.code).toBe(0);
    expect(different.json()).toMatchObject({
      model,
      versions: ["1", "3"],
      same: 0,
      comparisons: [{ input: "example of version 1", same: false, measure: "score_difference" }],
    });
    expect((await run("diff", model, "1", "3", "--exit-code")).code).toBe(9);
    expect((await run("diff", model, "1", "2", "--exit-code")).code).toBe(0);
  });

  test("compares the answers to each line of a file, refusals too", async () => {
    const file = join(folder, "rows.jsonl");
    writeFileSync(file, `${IRIS}\n\n{"inputs": [6.9, 3.1, 5.4, 2.1]}\n["not", "a", "row", 1]\n`);
    const report = await run("diff", model, "1", "3", "--input", `@${file}`, "--json");
    expect(report.code, report.stderr).toBe(0);
    const { comparisons } = report.json<{ comparisons: { input: string; same: boolean }[] }>();
    expect(comparisons.map(({ input, same }) => [input, same])).toEqual([
      ["line 1", false],
      ["line 3", false],
      ["line 4", true],
    ]);
  });

  test("compares tensors of models that have no task", async () => {
    const input = { name: "features", datatype: "FP32", shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] };
    const tensors = JSON.stringify({ inputs: [input] });
    const report = await run("diff", model, "1", "3", "--input", tensors, "--json");
    // The labels of a task are not those of its tensors.
    expect(report.json()).toMatchObject({ same: 1, comparisons: [{ same: true }] });
  });

  test.each([
    [["1", "9"], 5],
    [["1", "x"], 2],
    [["1", "2", "--input", "@/no/such.jsonl"], 2],
  ])("of %j is refused", async (args, code) => {
    expect(await run("diff", model, ...args)).toMatchObject({ code, stdout: "" });
  });
});

describe("delete", () => {
  test("removes a version, whose number is not used again", async () => {
    const deleted = await run("delete", model, "2");
    expect(deleted.code, deleted.stderr).toBe(0);
    expect(deleted.stdout).toMatch(
      new RegExp(`^deleted version 2 of ${model} \\(\\d objects\\)\n$`),
    );
    expect((await run("predict", `${model}@2`, "--input", IRIS)).code).toBe(5);
    await run("delete", model, "3", "--actor", "ada", "--note", "worse than version 1");
    const history = await run("history", model, "--limit", "1", "--json");
    expect(history.json()).toMatchObject({
      entries: [{ action: "delete", version: "3", actor: "ada", note: "worse than version 1" }],
    });
    const next = await run(
      "push",
      projectPath("models", "iris-kmeans", "1"),
      "--name",
      model,
      "--json",
    );
    expect(next.json(), next.stderr).toMatchObject({ version: "4" });
    const reused = await run(
      "push",
      projectPath("models", "iris-kmeans", "1"),
      "--name",
      model,
      "--version",
      "2",
    );
    expect(reused.code).toBe(6);
    expect(reused.stderr).toContain("version_deleted");
    const forced = await run(
      ...["push", projectPath("models", "iris-kmeans", "1"), "--name", model],
      ...["--version", "2", "--force", "--json"],
    );
    expect(forced.json(), forced.stderr).toMatchObject({ version: "2" });
  });

  test("of a version that an alias routes to needs --force, and removes the route", async () => {
    await run("promote", model, "1", "--alias", "production");
    const refused = await run("delete", model, "1", "--json");
    expect(refused.code).toBe(6);
    const { error } = JSON.parse(refused.stderr);
    expect(error).toMatchObject({ code: "version_in_use", exitCode: 6 });
    expect(error.message).toContain("production");
    const forced = await run("delete", model, "1", "--force", "--json");
    expect(forced.code, forced.stderr).toBe(0);
    expect(forced.json()).toMatchObject({ deleted: { name: model, version: "1" } });
    expect((await run("predict", `${model}@production`, "--input", IRIS)).code).toBe(5);
  });

  test("of a version that does not exist is exit code 5", async () => {
    expect((await run("delete", model, "9")).code).toBe(5);
  });
});

describe("gc", () => {
  test("lists what belongs to no version, and removes it with --apply only", async () => {
    const key = `uploads/${model}/9/left.bin`;
    await service.bucket.put(key, "left behind");
    const listed = await run("gc", "--older-than", "0s", "--json");
    expect(listed.code, listed.stderr).toBe(0);
    expect(listed.json()).toMatchObject({
      orphans: expect.arrayContaining([expect.objectContaining({ key })]),
    });
    expect(await service.bucket.head(key)).not.toBeNull();
    const removed = await run("gc", "--older-than", "0s", "--apply");
    expect(removed.code, removed.stderr).toBe(0);
    expect(removed.stdout).toContain(key);
    expect(removed.stdout).toMatch(/^removed \d+ objects, \d+ B$/m);
    expect(await service.bucket.head(key)).toBeNull();
    const again = await run("gc", "--older-than", "0s");
    expect(again).toMatchObject({ code: 0, stdout: "" });
    expect(again.stderr).toContain("nothing to remove");
    expect((await run("predict", model, "--input", IRIS)).code).toBe(0);
  });

  test("refuses what is no duration", async () => {
    expect((await run("gc", "--older-than", "yesterday")).code).toBe(2);
  });
});

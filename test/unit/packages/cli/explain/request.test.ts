import { expect, test } from "vitest";
import { toExplanation } from "../../../../../packages/cli/src/explain/request.ts";
import { readInput } from "../../../../../packages/cli/src/predict/read-input.ts";
import { projectPath } from "../../../../../scripts/project.ts";

const IRIS = { model: "iris", at: "canary" } as const;

test("JSON is the inputs, and the options are parameters", () => {
  const options = { method: "exact", of: "2", dryRun: true, parameters: '{"max_runs": 9}' };
  const request = toExplanation(IRIS, readInput("[1, 2.50]"), options, "svg");
  expect(request).toMatchObject({
    method: "POST",
    path: "/models/iris@canary/explain",
    headers: { accept: "image/svg+xml", "content-type": "application/json" },
  });
  expect(request.body).toBe(
    '{"inputs": [1, 2.50], "parameters": {"max_runs":9,"method":"exact","output":2,"dry_run":true}}',
  );
});

test("JSON with inputs is the request, unless options say something else", () => {
  const text = '{"inputs": [1], "parameters": {"method": "exact"}}';
  expect(toExplanation(IRIS, readInput(text), {}).body).toBe(text);
  expect(() => toExplanation(IRIS, readInput(text), { of: "all" })).toThrow("has parameters");
  const { body } = toExplanation(IRIS, readInput('{"inputs": "x"}'), { of: "all" });
  expect(JSON.parse(String(body))).toEqual({ inputs: "x", parameters: { output: "all" } });
});

test("a file is sent as it is, with the parameters in the query", () => {
  const png = `@${projectPath("test", "fixtures", "images", "astronaut.png")}`;
  const request = toExplanation(IRIS, readInput(png), { parameters: '{"grid": [7, 7]}' }, "png");
  expect(request).toMatchObject({
    query: { grid: "[7,7]" },
    headers: { accept: "image/png", "content-type": "image/png" },
  });
});

test("parameters that are no object are refused", () => {
  expect(() => toExplanation(IRIS, readInput("1"), { parameters: "[1]" })).toThrow("JSON object");
});

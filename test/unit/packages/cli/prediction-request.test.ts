import { describe, expect, test } from "vitest";
import { CliError } from "../../../../packages/cli/src/cli-error.ts";
import { type Input, readInput } from "../../../../packages/cli/src/predict/read-input.ts";
import { toPrediction } from "../../../../packages/cli/src/predict/request.ts";
import { projectPath } from "../../../../scripts/project.ts";

const IRIS = { model: "iris", at: "canary" } as const;

describe("JSON", () => {
  test("is the inputs, with the digits as they were written", () => {
    const request = toPrediction(IRIS, readInput("[12345678901234567890, 1.50]"), {});
    expect(request).toMatchObject({
      method: "POST",
      path: "/models/iris@canary",
      body: '{"inputs": [12345678901234567890, 1.50]}',
    });
  });

  test("with inputs is the request itself", () => {
    const text = '{"inputs": "a text", "parameters": {"top_k": 1}}';
    expect(toPrediction(IRIS, readInput(text), {}).body).toBe(text);
  });

  test("gets parameters and stream beside its inputs", () => {
    const options = { parameters: '{"top_k": 1}', stream: true };
    for (const text of ['"a text"', '{"inputs": "a text"}']) {
      const { body } = toPrediction(IRIS, readInput(text), options);
      expect(JSON.parse(String(body))).toEqual({
        inputs: "a text",
        parameters: { top_k: 1 },
        stream: true,
      });
    }
  });

  test("with parameters of its own refuses others", () => {
    const input = readInput('{"inputs": 1, "parameters": {}}');
    expect(() => toPrediction(IRIS, input, { parameters: "{}" })).toThrow(CliError);
  });

  test("with tensors is a request of the Open Inference Protocol", () => {
    const text = '{"inputs": [{"name": "x", "shape": [1], "datatype": "FP32", "data": [1]}]}';
    expect(toPrediction({ model: "iris", at: undefined }, readInput(text), {})).toMatchObject({
      path: "/v2/models/iris/infer",
      body: text,
    });
  });

  test("that is not valid is refused with how to write it", () => {
    const refused = (): Input => readInput("a text");
    expect(refused).toThrow("--input is not JSON");
    expect(refused).toThrow(CliError);
  });
});

describe("a file", () => {
  const png = `@${projectPath("test", "fixtures", "images", "astronaut.png")}`;

  test("is sent as it is, with the type of its ending and parameters in the query", () => {
    const options = { parameters: '{"top_k": 3, "words": ["a"], "mode": "x"}', stickyKey: "me" };
    const request = toPrediction(IRIS, readInput(png), options);
    expect(request).toMatchObject({
      path: "/models/iris@canary",
      query: { top_k: "3", words: '["a"]', mode: "x" },
      headers: { "content-type": "image/png", "x-sticky-key": "me" },
    });
  });

  test.each(["", "@"])("%j is refused when it is missing", (prefix) => {
    expect(() => readInput(`@${projectPath("no", "such.png")}${prefix}`)).toThrow("can't be read");
  });
});

test.each(["[]", "1", "{"])("the parameters %s are refused", (parameters) => {
  expect(() => toPrediction(IRIS, readInput("1"), { parameters })).toThrow(CliError);
});

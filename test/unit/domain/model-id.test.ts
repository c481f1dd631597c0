import { expect, test } from "vitest";
import {
  compareVersions,
  formatModelId,
  parseModelName,
  parseModelVersion,
} from "../../../src/domain/model-id.ts";
import { catchApiError } from "../../support/errors.ts";

test.each(["a", "0", "iris-logistic", "a.b_c-d", "x".repeat(63)])(
  "%s is a valid model name",
  (name) => {
    expect(parseModelName(name)).toBe(name);
  },
);

test.each(["", "A", "-a", ".a", "_a", "..", "a/b", "a b", "a\n", "é", "%00", "\0", "x".repeat(64)])(
  "%j is not a valid model name",
  (name) => {
    const { message } = catchApiError("model_not_found", () => parseModelName(name));
    expect(message).toContain(`No model named ${JSON.stringify(name)}`);
  },
);

test.each(["1", "10", "999999999"])("%s is a valid version", (version) => {
  expect(parseModelVersion("m", version)).toBe(version);
});

test.each(["", "0", "01", "-1", "1.0", "1e3", "v1", "latest", "1 ", "1\n", "1000000000"])(
  "%j is not a valid version",
  (version) => {
    const { message } = catchApiError("version_not_found", () => parseModelVersion("m", version));
    expect(message).toContain(`Model "m" has no version ${JSON.stringify(version)}`);
  },
);

test("versions are ordered as numbers, newest first", () => {
  expect(["9", "100", "10", "1"].sort(compareVersions)).toEqual(["100", "10", "9", "1"]);
});

test("a model id is formatted as text", () => {
  expect(formatModelId({ name: "m", version: "2" })).toBe('model "m" version 2');
});

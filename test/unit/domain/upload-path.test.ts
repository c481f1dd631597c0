import { expect, test } from "vitest";
import { checkUploadPath } from "../../../src/domain/upload.ts";

test.each(["model.onnx", "onnx/model_q4.onnx", "a..b/.c", "模型.onnx", "😀".repeat(200)])(
  "a file can be sent as %j",
  (path) => {
    expect(() => checkUploadPath(path)).not.toThrow();
  },
);

test.each([
  "",
  "..",
  "a/../b",
  "../a",
  "/a",
  "a//b",
  "a/",
  "a\\b",
  "a\u0000b",
  "a\nb",
  // Line breaks of Unicode, which are no control characters: a pattern's dot stops at them.
  "a\u2028/../../b",
  "a\u2029/../b",
  "\ud800",
  "manifest.json",
  "a.parts/b",
  "0123456789abcdef/a",
  "a".repeat(201),
])("no file can be sent as %j", (path) => {
  expect(() => checkUploadPath(path)).toThrow("No file can be sent as");
});

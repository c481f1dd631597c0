import { expect, test } from "vitest";
import { parseFeedbackLines } from "../../../../packages/cli/src/feedback/read-feedback-file.ts";

test("lines of feedback keep their numbers, and empty ones are left out", () => {
  expect(parseFeedbackLines('{"requestId":"a","truth":1}\n\n{"requestId":"b"}\r\n', "f")).toEqual([
    { line: 1, value: { requestId: "a", truth: 1 } },
    { line: 3, value: { requestId: "b" } },
  ]);
});

test("a line of feedback that is no JSON is named, and a file without lines refused", () => {
  expect(() => parseFeedbackLines('{}\n{"requestId"', "truths.jsonl")).toThrow(
    "truths.jsonl, line 2: not JSON",
  );
  expect(() => parseFeedbackLines("\n", "truths.jsonl")).toThrow("truths.jsonl has no lines");
});

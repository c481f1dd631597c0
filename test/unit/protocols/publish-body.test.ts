import { describe, expect, test } from "vitest";
import { publishBodySchema } from "../../../src/protocols/admin/publish-body.ts";

describe("the path of a sent file", () => {
  // Each of these characters is two UTF-16 units.
  test.each(["model.onnx", "onnx/model.onnx", "\u{1f98a}".repeat(200)])(
    "%s is accepted",
    (file) => {
      expect(publishBodySchema.safeParse({ file })).toMatchObject({ success: true });
      const files = [{ path: file, sha256: "a".repeat(64) }];
      expect(publishBodySchema.safeParse({ files })).toMatchObject({ success: true });
    },
  );

  test.each(["", "../model.onnx", "a/./b", "/a", "a\\b", "a\nb", "\u{1f98a}".repeat(201)])(
    "%j is refused",
    (file) => {
      expect(publishBodySchema.safeParse({ file })).toMatchObject({ success: false });
    },
  );
});

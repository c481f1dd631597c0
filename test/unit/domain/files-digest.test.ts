import { beforeAll, expect, test } from "vitest";
import { filesDigest } from "../../../src/domain/files-digest.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

beforeAll(stubWorkersGlobals);

const [a, b, c] = ["a", "b", "c"].map((digit) => digit.repeat(64)) as [string, string, string];
const file = (path: string, sha256: string) => ({ path, sha256, sizeBytes: 1 });

test("the digest is SHA-256 of the sorted digests of the files, whatever their paths", async () => {
  // Computed with Python: hashlib.sha256(b"\n".join([b"a" * 64, b"b" * 64])).
  const expected = "5e9ae866add9a85d69c3481d059bb9f158a39e5670ba11f95112fc409630894e";
  const files = [file("1/model.onnx", b), file("1/vocabulary.json", a)];
  expect(await filesDigest({ file: "1/model.onnx", files })).toBe(expected);
  const others = [file("2/words.json", a), file("2/model.onnx", b)];
  expect(await filesDigest({ file: "2/model.onnx", files: others })).toBe(expected);
});

test("a model that publishing changed counts as it was sent", async () => {
  const sent = await filesDigest({ file: "model.onnx", files: [file("model.onnx", a)] });
  const changed = await filesDigest({
    file: "model.bin",
    files: [file("model.bin", c)],
    original: { sha256: a, sizeBytes: 1, changes: ["zipmap"] },
  });
  expect(changed).toBe(sent);
  expect(await filesDigest({ file: "model.bin", files: [file("model.bin", c)] })).not.toBe(sent);
});

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { projectPath } from "../../../scripts/project.ts";
import { type FileKind, toFileBytes } from "../../../src/tasks/file-bytes.ts";
import { catchApiError } from "../../support/errors.ts";
import { readImage } from "../../support/images.ts";

const ANY: FileKind = { expected: "a file" };
const AUDIO: FileKind = { expected: "a WAV file", mediaTypes: ["audio/wav", "audio/x-wav"] };

const file = readImage("lossless.webp");
const base64 = Buffer.from(file).toString("base64");
const base64url = Buffer.from(file).toString("base64url");
const escaped = [...file].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

describe("a file in JSON may be", () => {
  test.each([
    ["base64", base64],
    ["base64 without padding", base64.replace(/=+$/, "")],
    ["base64 in lines", ` ${base64.replaceAll(/.{1,76}/g, "$&\r\n")}\t`],
    ["base64url", base64url],
    ["base64url with padding", base64url.padEnd(base64.length, "=")],
    ["a data URL", `data:image/webp;base64,${base64}`],
    [
      "a data URL with parameters",
      `DATA:image/webp;charset=utf-8;name="a b.webp";BASE64,${base64}`,
    ],
    ["a data URL without a type", `data:;base64,${base64url}`],
    ["a data URL whose base64 has escapes", `data:;base64,${encodeURIComponent(base64)}`],
    ["a data URL of escapes", `data:image/webp,${escaped}`],
    ["a data URL of upper-case escapes", `data:,${escaped.toUpperCase()}`],
  ])("%s", (_, text) => {
    expect(Buffer.from(toFileBytes(text, "inputs", ANY)).equals(file)).toBe(true);
  });

  test.each([0, 1, 2, 3, 4, 5])("base64 of %i bytes, of either alphabet", (count) => {
    const bytes = Buffer.from([0xfb, 0xff, 0xbf, 0xfe, 0x3f].slice(0, count));
    for (const encoding of ["base64", "base64url"] as const)
      expect([...toFileBytes(bytes.toString(encoding), "inputs", ANY)]).toEqual([...bytes]);
  });
});

describe("a text is refused that is", () => {
  test.each([
    ["no base64", "w.", /a string that is not base64: "w\."/],
    ["a single character", "A", /not base64/],
    ["base64 with padding in the middle", "QQ==QQ==", /not base64/],
    ["base64 with too much padding", "QUE==", /not base64/],
    ["beyond ASCII", "QUFé", /not base64/],
    ["a data URL without data", "data:image/png;base64", /a data URL without a comma/],
    ["a data URL that is no base64", "data:;base64,!", /a data URL that is not base64/],
    ["a data URL with half an escape", "data:,%4", /a percent sign that begins no escape/],
    ["a data URL beyond ASCII", "data:,é", /characters beyond ASCII/],
    ["a URL", "https://example.com/a.wav", /is a URL, which is not fetched/],
  ])("%s", (_, text, message) => {
    const error = catchApiError("invalid_input", () => toFileBytes(text, "inputs[1]", ANY));
    expect(error.message).toMatch(/^inputs\[1\] /);
    expect(error.message).toMatch(message);
  });
});

test("a data URL of another type is taken when its bytes are what the model takes, and refused otherwise", () => {
  const wav = readFileSync(projectPath("test", "fixtures", "audio", "mono-44100-24bit.wav"));
  for (const type of ["", "audio/mpeg", "application/octet-stream", "audio/wav"]) {
    const url = `data:${type};base64,${wav.toString("base64")}`;
    expect(wav.equals(toFileBytes(url, "inputs", AUDIO))).toBe(true);
  }
  const error = catchApiError("unsupported_media_type", () =>
    toFileBytes(`data:image/webp;base64,${base64}`, "inputs", AUDIO),
  );
  expect(error.message).toBe(
    "inputs is a data URL of image/webp; got a WebP image: this model takes audio/wav, audio/x-wav.",
  );
});

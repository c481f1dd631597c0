import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readJpeg, readPng, readRiff } from "../../../fuzz/mutate/containers.ts";
import { toJsonText, toTree } from "../../../fuzz/mutate/json-tree.ts";
import { mutateTree } from "../../../fuzz/mutate/mutate-json.ts";
import { mutateOnnx } from "../../../fuzz/mutate/mutate-onnx.ts";
import { listPlaces } from "../../../fuzz/mutate/mutate-ort.ts";
import { ONNX_MESSAGES } from "../../../fuzz/mutate/onnx-schema.ts";
import { parseMessage, writeMessage } from "../../../fuzz/mutate/protobuf.ts";
import { createRandom } from "../../../fuzz/random.ts";
import { projectPath } from "../../../scripts/project.ts";

const image = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(projectPath("test", "fixtures", "images", name)));
const model = (name: string, file: string): Uint8Array =>
  new Uint8Array(readFileSync(projectPath("models", name, "1", file)));

describe("JSON", () => {
  const value = { inputs: [{ name: "x", data: [1, 2.5, null, "a\ud800"] }], a: {} };

  test("a tree is written as the text of its value", () => {
    expect(JSON.parse(toJsonText(toTree(value)))).toEqual(value);
  });

  test("a mutation leaves the sample as it is", () => {
    const tree = toTree(value);
    for (let index = 0; index < 200; index++) mutateTree(tree, createRandom(index));
    expect(JSON.parse(toJsonText(tree))).toEqual(value);
  });

  test("mutations make keys twice, text that is no JSON, and integers beyond 2^53", () => {
    const texts = Array.from({ length: 2000 }, (_, index) =>
      toJsonText(mutateTree(toTree(value), createRandom(index))),
    );
    const isJson = (text: string): boolean => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    expect(texts.some((text) => !isJson(text))).toBe(true);
    expect(texts.filter(isJson).length).toBeGreaterThan(1000);
    expect(texts.some((text) => text.includes("9007199254740993"))).toBe(true);
    expect(texts.some((text) => (text.match(/"name":/g) ?? []).length > 1)).toBe(true);
    expect(texts.some((text) => text.includes('"__proto__"'))).toBe(true);
  });
});

describe("ONNX", () => {
  test.each(["iris-logistic", "wine-decision-tree", "digits-cnn", "breast-cancer-svm"])(
    "the model %s is the same after it was parsed and written",
    (name) => {
      const bytes = model(name, "model.onnx");
      const fields = parseMessage(bytes, ONNX_MESSAGES, "Model");
      expect(writeMessage(fields).equals(bytes)).toBe(true);
      // The graph, its nodes and their attributes are read as messages.
      expect(
        JSON.stringify(fields, (_, value) => (typeof value === "bigint" ? `${value}` : value)),
      ).toContain('"type":"Attribute"');
    },
  );

  test("most mutations are still messages, and differ from the model", () => {
    const bytes = model("iris-logistic", "model.onnx");
    let messages = 0;
    for (let index = 0; index < 200; index++) {
      const mutated = mutateOnnx(bytes, createRandom(index));
      expect(Buffer.from(mutateOnnx(bytes, createRandom(index))).equals(mutated)).toBe(true);
      try {
        parseMessage(mutated, ONNX_MESSAGES, "Model");
        messages++;
      } catch {
        // A false length, or bytes that were flipped.
      }
    }
    expect(messages).toBeGreaterThan(120);
    expect(messages).toBeLessThan(200);
  });
});

test("an ORT file has hundreds of offsets and lengths to change", () => {
  const places = listPlaces(model("voice-activity", "model.ort"));
  expect(places.length).toBeGreaterThan(500);
});

describe("media", () => {
  test.each([
    ["rgb.png", ["IHDR", "IDAT", "IEND"]],
    ["orientation-6.png", ["IHDR", "eXIf", "IDAT", "IEND"]],
  ])("the chunks of %s are read", (file, names) => {
    const parts = readPng(image(file)).parts.map(({ name }) => name);
    expect(parts.filter((name) => names.includes(name))).toEqual(names);
  });

  test("the chunks of a WebP are read", () => {
    const names = readRiff(image("orientation-6.webp")).parts.map(({ name }) => name);
    expect(names).toContain("EXIF");
    expect(names).toContain("VP8X");
  });

  test("the segments of a JPEG are read to the start of its scan", () => {
    const { parts, tail } = readJpeg(image("orientation-6.jpg"));
    const names = parts.map(({ name }) => name);
    expect(names).toContain("e1");
    expect(names.at(-1)).toBe("da");
    expect(Buffer.from(tail.subarray(-2)).toString("hex")).toBe("ffd9");
  });
});

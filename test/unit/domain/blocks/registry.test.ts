import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { projectPath } from "../../../../scripts/project.ts";
import type {
  PostprocessDefinition,
  PreprocessDefinition,
} from "../../../../src/domain/blocks/block-definition.ts";
import { BLOCK_MEDIA_TYPES, mediaTypesOf } from "../../../../src/domain/blocks/media-types.ts";
import {
  POSTPROCESS_BLOCKS,
  PREPROCESS_BLOCKS,
  postprocessSchema,
  preprocessSchema,
} from "../../../../src/domain/blocks/registry.ts";
import { manifestJsonSchema } from "../../../../src/domain/manifest.ts";
import { TASKS } from "../../../../src/domain/task-kinds.ts";
import { createOpenApiDocument } from "../../../../src/protocols/openapi/document.ts";
import { PROTOCOLS } from "../../../../src/protocols/registry.ts";
import { findModel } from "../../../support/publish.ts";

/** What a block needs besides its schema; a missing implementation fails the type check. */

const preprocess: readonly PreprocessDefinition[] = PREPROCESS_BLOCKS;
const postprocess: readonly PostprocessDefinition[] = POSTPROCESS_BLOCKS;
const blocks = [...preprocess, ...postprocess];

const tasks = readFileSync(projectPath("docs", "tasks.md"), "utf8");
const sections = readdirSync(projectPath("docs", "blocks"))
  .map((file) => readFileSync(join(projectPath("docs", "blocks"), file), "utf8"))
  .join("\n");
const openApi = JSON.stringify(createOpenApiDocument(PROTOCOLS, "0.0.0"));
const manifestSchema = JSON.stringify(manifestJsonSchema());

test("each block has a unique type", () => {
  const types = blocks.map(({ type }) => type);
  expect(new Set(types).size).toBe(types.length);
  expect(types.length).toBeGreaterThanOrEqual(13);
});

describe.each(blocks)("the block $type", ({ type, schema, parameters }) => {
  test("has its type as a literal in its schema", () => {
    const { type: literal } = (schema as z.ZodObject<{ type: z.ZodType }>).shape;
    expect(literal.parse(type)).toBe(type);
    expect(manifestSchema).toContain(`"const":"${type}"`);
  });

  test("has a section in docs/blocks that describes its parameters", () => {
    const [, section] =
      sections.match(new RegExp(`^## ${type}\\n(.*?)(?=^##? |$(?!\\n))`, "ms")) ?? [];
    expect(section).toBeDefined();
    for (const name of Object.keys(parameters.shape)) expect(section).toContain(`\`${name}\``);
  });

  test("describes each parameter, also in the OpenAPI document", () => {
    for (const [name, field] of Object.entries<z.ZodType>(parameters.shape)) {
      expect(field.description, name).toMatch(/\w/);
      expect(openApi).toContain(`\`${name}\`, ${field.description}`);
    }
  });

  test("is in the table of tasks in docs/tasks.md", () => {
    const kinds = Object.entries(TASKS).filter(([, sides]) =>
      [...sides.preprocess, ...sides.postprocess].some((member) => member === type),
    );
    expect(kinds.length).toBeGreaterThan(0);
    for (const [task] of kinds) {
      const row = tasks
        .split("\n")
        .find((line) => line.startsWith("|") && line.includes(`\`${task}\``));
      expect(row).toContain(`\`${type}\``);
    }
  });
});

const CACHE = { layers: 1, past: "past", present: "present" };
const FIELDS: Readonly<Record<string, unknown>> = {
  columns: [{ name: "columns" }],
  state: [],
  constants: [],
  inputs: { ids: "inputs.ids" },
  cache: CACHE,
  voiceActivity: { model: "voices", input: "windows", state: [], constants: [] },
  decoder: {
    inputs: { ids: "decoder.ids" },
    logits: "logits",
    cache: CACHE,
    encoderFeeds: { hidden: "encoder.hidden" },
  },
};

/** A block whose fields have their own names as values, which shows the fields that refer to the model. */
const SAMPLE = new Proxy({} as Record<string, unknown>, {
  get: (_, field) => FIELDS[String(field)] ?? String(field),
});

test.each(preprocess)("the preprocess block $type refers to inputs of the model", (block) => {
  const { inputs = [], models = {} } = block.references(SAMPLE as never);
  const all = [...inputs, ...Object.values(models).flatMap((model) => model.inputs ?? [])];
  expect(all).not.toEqual([]);
});

test.each(postprocess)("the postprocess block $type refers to outputs of the model", (block) => {
  expect(block.references(SAMPLE as never).outputs).not.toEqual([]);
  expect(block.references(SAMPLE as never).outputs).toBeDefined();
});

test.each(Object.entries(TASKS))(
  "no two blocks of %s have a parameter of the same name, unless it is the same one",
  (_, sides) => {
    const parametersOf = (all: typeof blocks, types: readonly string[]): [string, unknown][] =>
      all
        .filter(({ type }) => types.includes(type))
        .flatMap(({ parameters }) => Object.entries(parameters.shape));
    const before = new Map(parametersOf([...preprocess], sides.preprocess));
    const after = parametersOf([...postprocess], sides.postprocess);
    const differing = after.filter(
      ([name, field]) => before.has(name) && before.get(name) !== field,
    );
    expect(differing.map(([name]) => name)).toEqual([]);
  },
);

describe.each(preprocess)("the preprocess block $type", ({ type, inputs, mediaTypes }) => {
  test("describes `inputs` in the OpenAPI document", () => {
    expect(inputs).toMatch(/\w/);
    expect(openApi).toContain(`\`${type}\`: ${inputs}.`);
  });

  test("has media types that the OpenAPI document lists as bodies", () => {
    for (const mediaType of mediaTypes) {
      expect(mediaType).toMatch(/^[a-z]+\/[a-z0-9.+-]+$/);
      expect(BLOCK_MEDIA_TYPES).toContain(mediaType);
      expect(openApi).toContain(`"${mediaType}":{"schema"`);
    }
  });
});

describe.each(postprocess)(
  "the postprocess block $type",
  ({ prediction, listPrediction = prediction }) => {
    test("has a prediction schema, whose description is in the OpenAPI document", () => {
      expect(prediction.description).toMatch(/\w/);
      expect(listPrediction.description).toMatch(/\w/);
      expect(openApi).toContain(JSON.stringify(prediction.description));
    });
  },
);

test("a block of an unknown type is refused", () => {
  const block = { type: "magic", version: 1 };
  expect(preprocessSchema.safeParse(block).success).toBe(false);
  expect(postprocessSchema.safeParse(block).success).toBe(false);
});

test("the media types of a model are those of its preprocess block", () => {
  const mediaTypes = (name: string) => mediaTypesOf(findModel(name).manifest);
  expect(mediaTypes("iris-logistic")).toEqual(["text/csv"]);
  expect(mediaTypes("voice-activity")).toContain("audio/wav");
  expect(mediaTypes("digits-cnn")).toEqual([]);
});

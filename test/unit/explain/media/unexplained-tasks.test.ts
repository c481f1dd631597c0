import { describe, expect, test } from "vitest";
import { createCall } from "../../../../src/domain/call.ts";
import { ApiError } from "../../../../src/domain/errors.ts";
import type { Manifest } from "../../../../src/domain/manifest.ts";
import type { ExplainedVersion } from "../../../../src/explain/explained-version.ts";
import { METHODS } from "../../../../src/explain/registry.ts";
import { chooseMethod } from "../../../../src/inference/explaining/choose-method.ts";
import { explanationRequest } from "../../../support/explained-version.ts";
import { findModel } from "../../../support/publish.ts";
import { textPairManifest } from "../../../support/text-pair-task.ts";

/** Tasks of which nothing can be explained: each method says so, and none runs the model. */

const image = findModel("imagenet-classification").manifest.preprocess;
const base = textPairManifest({ task: undefined });
const labels = ["entailment", "neutral", "contradiction"];
const fields = (task: string, postprocess: object, preprocess: object = {}) =>
  ({
    ...base,
    task,
    labels,
    preprocess: { ...base.preprocess, ...preprocess },
    postprocess: { version: 1, ...postprocess },
  }) as unknown as Manifest;

const MANIFESTS = [
  fields("zero-shot-classification", { type: "zero-shot-classification", scores: "logits" }),
  fields("text-ranking", { type: "text-ranking", scores: "relevance" }),
  fields("summarization", { type: "summarization" }, { type: "source-text" }),
  fields("image-segmentation", { type: "image-segmentation" }, image ?? {}),
  fields("image-to-text", { type: "text-lines" }, { type: "page" }),
];

function versionOf(manifest: Manifest): ExplainedVersion {
  const run = () => Promise.reject(new Error("the model was run"));
  return {
    model: { ...manifest, manifest, revision: "1", versions: ["1"] },
    call: createCall(),
    infer: run,
    execute: run,
    readFile: run,
    blocks: async () => undefined,
    background: async () => undefined,
  };
}

describe.each(MANIFESTS)("$task", (manifest) => {
  const request = explanationRequest(versionOf(manifest), "a text", {});

  test("is refused where the method is chosen by the model", async () => {
    const error = await chooseMethod(METHODS, request).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining(`cannot be explained: its task is ${manifest.task}`),
    });
  });

  test.each(METHODS)("is refused by the method $name", async (method) => {
    const parameters = method.parameters.parse(
      method.name === "permutation_importance" ? { truth: ["a"] } : {},
    );
    const error = await Promise.resolve()
      .then(() => method.plan({ ...request, parameters } as never))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).kind.status).toBe(400);
  });
});

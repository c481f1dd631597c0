import { expect, test } from "vitest";
import { type Manifest, parseManifest, parseStoredManifest } from "../../../src/domain/manifest.ts";
import { createTask } from "../../../src/tasks/registry.ts";
import { rejectedApiError } from "../../support/errors.ts";
import { findModel } from "../../support/publish.ts";

/** A manifest that an earlier release published, with one label too many. */
function contradictory(): Manifest {
  const { manifest } = findModel("iris-kmeans");
  return parseStoredManifest({ ...manifest, labels: ["a", "b", "c", "d"] });
}

const tools = { decodeImage: () => Promise.reject(new Error("no image is decoded here")) };
const readFile = (): never => {
  throw new Error("no file is read here");
};

test("a manifest whose blocks contradict its model is refused when it is published", () => {
  expect(() => parseManifest(contradictory())).toThrow(/labels/);
});

test("a stored manifest whose blocks contradict its model has no task, and the error names the field", async () => {
  const error = await rejectedApiError(
    "task_not_supported",
    createTask(contradictory(), readFile, tools),
  );
  expect(error.message).toMatch(/^model "iris-kmeans" version 1 cannot run its task, .*: labels: /);
  expect(error.details).toMatchObject({ model: "iris-kmeans", version: "1", field: "labels" });
});

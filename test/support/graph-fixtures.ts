import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FolderModel } from "../../packages/cli/src/local/model-folder.ts";
import { projectPath } from "../../scripts/project.ts";
import { parseManifest } from "../../src/domain/manifest.ts";
import { explainedVersion, type TestVersion } from "./explained-version.ts";

const FOLDER = projectPath("test", "fixtures", "explanations", "linear");

/** What shap has computed, by row, column and output. */
export interface ShapValues {
  readonly values: readonly (readonly (readonly number[])[])[];
  readonly base: readonly number[];
}

/** A model that recipes/linear_explanation_fixtures.py has trained, exported and explained. */
export interface LinearFixture {
  readonly input: string;
  readonly output: string;
  /** Absent for a regression. */
  readonly labels?: readonly string[];
  readonly activation?: string;
  readonly spaces: Readonly<Record<string, ShapValues>>;
  readonly rows: readonly (readonly (number | null)[])[];
  readonly background: readonly (readonly (number | null)[])[];
  /** Of the rows, by ONNX Runtime. */
  readonly outputs: readonly (readonly number[])[];
}

export function readLinearFixture(name: string): LinearFixture {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), "utf8"));
}

/** Reads a model of the fixtures. */
export function readLinearModel(file: string): Uint8Array {
  return new Uint8Array(readFileSync(join(FOLDER, file)));
}

/** A version of a fixture's model. Nothing can be run. */
export function linearVersion(
  name: string,
  fixture: LinearFixture,
  format: "onnx" | "ort" = "onnx",
): Promise<TestVersion> {
  const file = `${name}.${format}`;
  const bytes = readLinearModel(file);
  const columns = (fixture.rows[0] ?? []).map((_, column) => `column ${column}`);
  const { labels } = fixture;
  const manifest = parseManifest({
    schemaVersion: 1,
    name,
    version: "1",
    format,
    file,
    files: [
      {
        path: file,
        sha256: createHash("sha256").update(bytes).digest("hex"),
        sizeBytes: bytes.byteLength,
      },
    ],
    task: labels ? "tabular-classification" : "tabular-regression",
    inputs: [{ name: fixture.input, datatype: "FP32", shape: ["batch", columns.length] }],
    outputs: [{ name: fixture.output, datatype: "FP32", shape: ["batch", -1] }],
    preprocess: {
      type: "tabular",
      version: 1,
      input: fixture.input,
      columns,
      missing: Object.fromEntries(columns.map((column) => [column, "nan"])),
    },
    postprocess: labels
      ? {
          type: "classification",
          version: 1,
          scores: fixture.output,
          activation: fixture.activation,
        }
      : { type: "regression", version: 1, output: fixture.output },
    ...(labels && { labels }),
    createdAt: "2026-12-01T00:00:00Z",
  });
  const model: FolderModel = { manifest, manifestText: JSON.stringify(manifest), folder: FOLDER };
  return explainedVersion(model, {
    background: fixture.background,
    compute: () => {
      throw new Error("nothing is run");
    },
  });
}

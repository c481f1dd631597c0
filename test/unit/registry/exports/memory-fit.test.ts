import { expect, test } from "vitest";
import { ApiError } from "../../../../src/domain/errors.ts";
import type { Manifest } from "../../../../src/domain/manifest.ts";
import { checkFit, explainMemory } from "../../../../src/registry/exports/memory-fit.ts";
import { catchApiError } from "../../../support/errors.ts";
import { generationManifest } from "../../../support/generation-fixtures.ts";

const MIB = 2 ** 20;
const BUDGET = { bytes: 104 * MIB, setting: "OWN_ISOLATE_BUDGET_BYTES" };

/** Two layers of two heads of eight numbers of four bytes, keys and values; a cache that grows takes twice that. */
const IN_PLACE_TOKEN_BYTES = 256;

function manifestOf(weightsMib: number, format: Manifest["format"] = "ort"): Manifest {
  const manifest = generationManifest("in-place", { context: 131_072 });
  const [model, ...others] = manifest.files;
  if (!model) throw new Error("the manifest has no file");
  return { ...manifest, format, files: [{ ...model, sizeBytes: weightsMib * MIB }, ...others] };
}

test("weights, engine and the keys and values of the context fit exactly, or not", () => {
  // 131,072 tokens of 256 bytes are 32 MiB, the engine is 10 MiB.
  expect(() => checkFit(manifestOf(62), BUDGET)).not.toThrow();
  const { message, details } = catchApiError("invalid_model", () =>
    checkFit(manifestOf(70), BUDGET),
  );
  expect(message).toMatch(
    /weights 70 MiB, keys and values of 131072 tokens 32 MiB \(256 bytes a token\), engine 10 MiB; the budget is 104 MiB \(OWN_ISOLATE_BUDGET_BYTES\)\. Publish it with a smaller context \(at most 98304 tokens/,
  );
  expect(details).toMatchObject({ tokenBytes: IN_PLACE_TOKEN_BYTES, cacheBytes: 32 * MIB });
});

test("weights that do not fit at all are to be quantized", () => {
  const { message } = catchApiError("invalid_model", () => checkFit(manifestOf(100), BUDGET));
  expect(message).toMatch(/104 MiB \(OWN_ISOLATE_BUDGET_BYTES\)\. Quantize the weights to int8/);
});

test("an ONNX file that does not fit while it is loaded is to be published in ORT format", () => {
  const error = new ApiError("out_of_memory", "A lease needs more.");
  const messageOf = (manifest: Manifest): string =>
    (explainMemory(error, manifest, BUDGET) as ApiError).message;
  expect(messageOf(manifestOf(30, "onnx"))).toMatch(
    /three to four times .* ORT format.* A lease needs more\.$/,
  );
  expect(messageOf(manifestOf(30, "ort"))).not.toMatch(/ORT format/);
  const other = new Error("something else");
  expect(explainMemory(other, manifestOf(30), BUDGET)).toBe(other);
});

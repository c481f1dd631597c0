import { isLackOfMemory } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { memberFile, memberNames } from "../../domain/member-models.ts";
import { cacheBytes } from "../../tasks/generation/key-value-cache.ts";
import { invalidExport } from "./export-error.ts";

/** What a model with its cache must fit in: the memory of its isolate. */
export interface ExportBudget {
  readonly bytes: number;
  /** The name of the setting. */
  readonly setting: string;
}

/** What an engine takes without a model (measured: 10 MiB). */
const ENGINE_BYTES = 10_485_760;
const MIB = 1_048_576;

/** The memory of a text as long as the context. */
interface Needs {
  readonly format: Manifest["format"];
  readonly weightsBytes: number;
  readonly context: number;
  readonly tokenBytes: number;
}

/**
 * Before anything is loaded, by what is certain: weights, and keys and values of a text as long as the context.
 * @throws ApiError `invalid_model` with the numbers
 */
export function checkFit(manifest: Manifest, budget: ExportBudget): void {
  const needs = needsOf(manifest);
  if (!needs) return;
  const { weightsBytes, context, tokenBytes } = needs;
  if (ENGINE_BYTES + weightsBytes + context * tokenBytes > budget.bytes)
    throw tooLarge(needs, budget);
}

/** The same refusal for a model that turned out to need more when it was loaded; other errors are returned as they are. */
export function explainMemory(error: unknown, manifest: Manifest, budget: ExportBudget): unknown {
  const needs = isLackOfMemory(error) ? needsOf(manifest) : undefined;
  return needs ? tooLarge(needs, budget, error) : error;
}

function needsOf(manifest: Manifest): Needs | undefined {
  const { postprocess } = manifest;
  if (!postprocess || !("decoder" in postprocess || "cache" in postprocess)) return undefined;
  const { context, cache } = "decoder" in postprocess ? postprocess.decoder : postprocess;
  return {
    format: manifest.format,
    weightsBytes: memberNames(manifest)
      .map((member) => memberFile(manifest, member).sizeBytes)
      .reduce((sum, bytes) => sum + bytes, 0),
    context,
    tokenBytes: cacheBytes(cache, 1),
  };
}

function tooLarge(
  { format, weightsBytes, context, tokenBytes }: Needs,
  { bytes: budgetBytes, setting }: ExportBudget,
  cause?: unknown,
): Error {
  const restBytes = budgetBytes - ENGINE_BYTES - weightsBytes;
  const largest = Math.floor(restBytes / tokenBytes);
  // The sum fits: what does not is the memory that loading takes beside it.
  const isLoading = cause !== undefined && largest >= context;
  const ofFormat =
    isLoading && format === "onnx"
      ? " An ONNX file takes three to four times its size while it is loaded: publish it in ORT format, as npm run upload does with a folder."
      : "";
  const remedy =
    largest >= 2 && largest < context
      ? `Publish it with a smaller context (at most ${largest} tokens fit beside weights of that size, less where the engine repacks them), or quantize the weights to int8.`
      : "Quantize the weights to int8, or publish a smaller model.";
  const why = cause instanceof Error ? ` ${cause.message}` : "";
  const advice = `${ofFormat} ${remedy}${why}`.trim();
  return invalidExport(
    `The model and a text as long as its context do not fit in its memory: weights ${mebibytes(weightsBytes)}, keys and values of ${context} tokens ${mebibytes(context * tokenBytes)} (${tokenBytes} bytes a token), engine ${mebibytes(ENGINE_BYTES)}; the budget is ${mebibytes(budgetBytes)} (${setting}). ${advice}`,
    { weightsBytes, cacheBytes: context * tokenBytes, tokenBytes, context, budgetBytes },
  );
}

function mebibytes(bytes: number): string {
  return `${Math.round((bytes / MIB) * 10) / 10} MiB`;
}

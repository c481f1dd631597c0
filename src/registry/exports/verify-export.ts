import type { TextToTextBlock } from "../../domain/blocks/postprocess/text-to-text.ts";
import { createCall } from "../../domain/call.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { ModelHost } from "../../domain/model-host.ts";
import type { PublishedModel } from "../../domain/published-model.ts";
import type { TaskRequest, TaskResult } from "../../domain/task.ts";
import { invalidExport } from "./export-error.ts";
import { type ExportBudget, explainMemory } from "./memory-fit.ts";

/** A text that every tokenizer has tokens for. */
const TEXT = "Hello";
const TOKENS = 8;
/** At most so many tokens has {@link TEXT}, with special ones. */
const PROMPT_TOKENS = 16;

/**
 * Runs the task of a version that is not published yet: a text, and, of a model that generates, a text for which the memory of the whole context is
 * reserved. A cache that is written in place is compared with one that grows.
 * @returns the manifest to publish, and what was found
 * @throws ApiError `invalid_model` for a model that does not fit, and what the task throws
 */
export async function verifyExport(
  host: Pick<ModelHost, "execute" | "unload">,
  manifest: Manifest,
  budget: ExportBudget,
): Promise<{ readonly manifest: Manifest; readonly notes: readonly string[] }> {
  const run = (tried: Manifest, request: Partial<TaskRequest>): Promise<TaskResult> =>
    host.execute(
      { inputs: TEXT, parameters: {}, ...request, model: toUnpublished(tried) },
      createCall(),
    );
  try {
    if (manifest.postprocess && "decoder" in manifest.postprocess) {
      await run(manifest, { parameters: { max_new_tokens: TOKENS } });
      await reserveWritten((request) => run(manifest, request), manifest.postprocess);
      return { manifest, notes: [] };
    }
    if (manifest.postprocess?.type !== "text-generation") {
      await run(manifest, {});
      return { manifest, notes: [] };
    }
    const chosen = await chooseForm(manifest, (tried) => generate((r) => run(tried, r)));
    await reserveContext((request) => run(chosen.manifest, request), manifest.postprocess.context);
    return chosen;
  } catch (error) {
    throw explainMemory(error, manifest, budget);
  }
}

type Run = (request: Partial<TaskRequest>) => Promise<TaskResult>;

/** The most probable tokens after a text. */
async function generate(run: Run): Promise<string> {
  const parameters = {
    max_new_tokens: TOKENS,
    do_sample: false,
    details: true,
    return_full_text: false,
  };
  const result = await run({ parameters });
  if (result.kind !== "value") throw new Error("the result is a stream");
  const [text] = result.value as [{ details: { tokens: { id: number; logprob: number }[] } }];
  const { tokens } = text.details;
  if (tokens.some(({ logprob }) => !Number.isFinite(logprob)))
    throw invalidExport(
      "The model computes logits that are no numbers: its weights or its quantization are broken.",
    );
  return tokens.map(({ id }) => id).join(" ");
}

async function chooseForm(
  manifest: Manifest,
  tokensOf: (tried: Manifest) => Promise<string>,
): Promise<{ manifest: Manifest; notes: readonly string[] }> {
  const { postprocess } = manifest;
  if (postprocess?.type !== "text-generation" || postprocess.cache.form === "growing") {
    await tokensOf(manifest);
    return { manifest, notes: [] };
  }
  const cache = { ...postprocess.cache, form: "growing" as const };
  const growing: Manifest = { ...manifest, postprocess: { ...postprocess, cache } };
  const expected = await tokensOf(growing);
  const actual = await tokensOf(manifest).catch((error: unknown) => String(error));
  if (actual === expected)
    return { manifest, notes: ["tokens with the cache in place are those with a growing one"] };
  return {
    manifest: growing,
    notes: ["the cache grows: in place, the model computes other tokens"],
  };
}

/** Begins a text for which the memory of the whole context is reserved. */
async function reserveContext(run: Run, context: number): Promise<void> {
  const parameters = { max_new_tokens: Math.max(1, context - PROMPT_TOKENS) };
  const result = await run({ parameters, stream: true });
  if (result.kind !== "stream") throw new Error("the result is no stream");
  const parts = result.parts[Symbol.asyncIterator]();
  try {
    await parts.next();
  } finally {
    await parts.return?.();
  }
}

/** Begins a text of an encoder-decoder, for which the memory of the whole context is reserved; none of its tokens is computed. */
async function reserveWritten(
  run: Run,
  { decoder, startTokenIds }: Pick<TextToTextBlock, "decoder" | "startTokenIds">,
): Promise<void> {
  const parameters = { max_new_tokens: decoder.context - startTokenIds.length };
  const result = await run({ parameters, stream: true });
  if (result.kind !== "stream") throw new Error("the result is no stream");
  await result.parts[Symbol.asyncIterator]().return?.();
}

function toUnpublished(manifest: Manifest): PublishedModel {
  const { name, version } = manifest;
  return { name, version, manifest, revision: "", versions: [version] };
}

import { readFileSync } from "node:fs";
import type { VersionFiles } from "../../packages/cli/src/local/version-files.ts";
import type { ModelBucket } from "../../scripts/local-worker.ts";
import { projectPath } from "../../scripts/project.ts";
import { parseConfig } from "../../src/config.ts";
import { fileKey, manifestKey } from "../../src/storage/model-keys.ts";

/** Folders that Optimum has exported, and what transformers computes with the same weights (`test/fixtures/export-folders`). */
export const EXPORT_FOLDERS = {
  llama: exportFolder("optimum-llama"),
  gpt2: exportFolder("transformers-js-gpt2"),
} as const;
export type ExportedKind = keyof typeof EXPORT_FOLDERS;

export interface ExportCase {
  readonly prompt: string;
  readonly ids: readonly number[];
  readonly tokens: readonly number[];
  /** How many of the tokens are ahead of all others by more than kernels differ. */
  readonly certain: number;
  readonly text: string;
}

export interface ExportChat {
  readonly messages: readonly { readonly role: "user" | "assistant"; readonly content: string }[];
  readonly promptTokens: number;
  readonly certain: number;
  readonly text: string;
}

export const EXPECTED: Readonly<
  Record<ExportedKind, { readonly cases: readonly ExportCase[]; readonly chat: ExportChat }>
> = JSON.parse(readFileSync(exportFolder("expected.json"), "utf8"));

/** The memory of a model's isolate, as it is by default. */
export const EXPORT_BUDGET = {
  bytes: parseConfig({}).ownIsolateBudgetBytes,
  setting: "OWN_ISOLATE_BUDGET_BYTES",
};

function exportFolder(name: string): string {
  return projectPath("test", "fixtures", "export-folders", name);
}

export async function storeVersion(
  bucket: ModelBucket,
  { manifest, manifestText, read }: VersionFiles,
): Promise<void> {
  for (const { path } of manifest.files)
    await bucket.put(fileKey(manifest, path), Uint8Array.from(read(path)));
  await bucket.put(manifestKey(manifest), manifestText);
}

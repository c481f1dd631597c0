import { ENCODER } from "../../domain/blocks/encoder-name.ts";
import { createCall } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import type { ExportConfig } from "../../domain/export-config.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { ModelHost } from "../../domain/model-host.ts";
import { formatModelId } from "../../domain/model-id.ts";
import { ExportFileError, parseExport } from "../../domain/parse-export.ts";
import { deriveExport } from "../exports/derive-export.ts";
import type { ExportedModel, ExportedTask } from "../exports/export-types.ts";
import { verifyExport } from "../exports/verify-export.ts";
import type { Probe } from "../proposals/proposal.ts";
import { propose } from "../proposals/propose.ts";
import { composeManifest, finishManifest, type ManifestParts } from "./compose-manifest.ts";
import type { PublishRequest } from "./publish-request.ts";
import type { SentFiles } from "./sent-files.ts";
import type { TakenModel } from "./take-model.ts";
import { type DraftOptions, takeSent } from "./take-sent.ts";
import { tryTask } from "./try-task.ts";
import { toUnpublished } from "./unpublished.ts";

/** The task of a version whose manifest does not say how it is run. */
export interface ProposedTask {
  readonly task: ExportedTask;
  /** With the encoder of an encoder-decoder. */
  readonly members: ReadonlyMap<string, TakenModel>;
  readonly description: string;
  /** Runs the task, and finds out what only a run can say. */
  verify(
    host: ModelHost,
    manifest: Manifest,
  ): Promise<{ readonly manifest: Manifest; readonly notes: readonly string[] }>;
}

/** Without a task, a version gets one when the configuration of an export was sent. */
const MARKER = "config.json";

/** Where exporters write the encoder of an encoder-decoder, in the order of preference. */
const ENCODERS = ["", "onnx/"].flatMap((folder) =>
  ["encoder_model_quantized.onnx", "encoder_model.onnx"].map((name) => `${folder}${name}`),
);

const MAX_DESCRIPTION = 2000;

/**
 * The task that is asked for, or that of an export, as the model and the files of configuration suggest it.
 * @returns `undefined` for a version without a task, and for one whose manifest has its blocks
 * @throws ApiError `invalid_model` that says what to send, where nothing can be proposed
 */
export async function proposeTask(
  options: DraftOptions,
  { task: asked, labels, context, manifest }: PublishRequest,
  parts: ManifestParts,
): Promise<ProposedTask | undefined> {
  const { sent, budget } = options;
  const { draft, main } = parts;
  const kind = draft.task ?? asked;
  if (draft.preprocess && draft.postprocess) return undefined;
  if (kind === undefined && (manifest !== undefined || !sent.find(MARKER))) return undefined;
  const config = await readConfig(sent);
  const members = await withEncoder(options, parts, config);
  const encoder = members.get(ENCODER);
  const model: ExportedModel = {
    inputs: [
      ...main.inputs,
      ...(main.adaptation?.optionalInputs ?? []).map((spec) => ({ ...spec, optional: true })),
    ],
    outputs: main.outputs,
    attentionCaches: main.adaptation?.attentionCaches ?? [],
    encoder,
  };
  const task =
    kind === undefined
      ? deriveExport(model, config, { context })
      : await propose(kind, {
          id: options.publication.id,
          model,
          config,
          context,
          labels: labels ?? draft.labels ?? (await readLabels(sent)) ?? main.adaptation?.labels,
          probe: createProbe(options, parts),
          vocabularySize: () => readVocabularySize(sent),
        });
  const how = kind === undefined ? "Published from an export" : "Proposed when it was published";
  return {
    task,
    members,
    description: `${how}: ${task.notes.join("; ")}.`.slice(0, MAX_DESCRIPTION),
    verify: (host, composed) =>
      isOfTexts(composed) ? verifyExport(host, composed, budget) : tryTask(host, composed),
  };
}

function isOfTexts({ preprocess }: Manifest): boolean {
  return preprocess !== undefined && TEXTS.includes(preprocess.type);
}

const TEXTS: readonly string[] = ["tokenizer", "prompt", "source-text"];

async function readConfig(sent: SentFiles): Promise<ExportConfig> {
  try {
    return await parseExport((path) => sent.read(path));
  } catch (cause) {
    if (!(cause instanceof ExportFileError)) throw cause;
    throw new ApiError(
      "invalid_model",
      `${formatModelId(sent.id)} cannot be published: ${cause.message}.`,
      { cause },
    );
  }
}

/** labels.txt has a label in each line, labels.json a list of them. */
async function readLabels(sent: SentFiles): Promise<readonly string[] | undefined> {
  const text = await readText(sent, "labels.txt");
  if (text !== undefined) return text.replace(/\r?\n$/, "").split(/\r?\n/);
  const json = await readJson(sent, "labels.json");
  return Array.isArray(json) ? json.map(String) : undefined;
}

async function readVocabularySize(sent: SentFiles): Promise<number | undefined> {
  const json = await readJson(sent, "vocabulary.json");
  return Array.isArray(json) ? json.length : undefined;
}

async function readText(sent: SentFiles, path: string): Promise<string | undefined> {
  const bytes = await sent.read(path);
  return bytes && new TextDecoder().decode(bytes);
}

async function readJson(sent: SentFiles, path: string): Promise<unknown> {
  const text = await readText(sent, path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError("invalid_model", `${path} is not JSON: ${(cause as Error).message}.`, {
      cause,
    });
  }
}

async function withEncoder(
  options: DraftOptions,
  { members, draft }: ManifestParts,
  { config }: ExportConfig,
): Promise<ReadonlyMap<string, TakenModel>> {
  if (!config?.is_encoder_decoder || members.has(ENCODER)) return members;
  const path = ENCODERS.find((candidate) => options.sent.find(candidate));
  if (path === undefined) return members;
  return new Map([...members, [ENCODER, await takeSent(options, path, draft)]]);
}

/** Runs the model, without a task. */
function createProbe({ host }: DraftOptions, parts: ManifestParts): Probe {
  const { path, sha256, sizeBytes } = parts.main.model;
  let facts: Manifest | undefined;
  return (inputs) => {
    const { fields } = composeManifest(
      { ...parts, draft: {}, members: new Map(), task: undefined },
      new Set(),
    );
    facts ??= finishManifest(parts, { ...fields, files: [{ path, sha256, sizeBytes }] });
    return host.infer({ model: toUnpublished(facts), inputs }, createCall());
  };
}

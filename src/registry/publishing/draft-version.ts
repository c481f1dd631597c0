import type { Manifest, ManifestDraft, ManifestFile } from "../../domain/manifest.ts";
import { checkFit } from "../exports/memory-fit.ts";
import { checkDigest } from "./check-digest.ts";
import { compactModel } from "./compact-model.ts";
import {
  checkName,
  composeManifest,
  finishManifest,
  type ManifestParts,
} from "./compose-manifest.ts";
import { declarationProblems } from "./declaration-problems.ts";
import { invalidManifest } from "./manifest-problems.ts";
import { type ProposedTask, proposeTask } from "./propose-task.ts";
import type { PublishRequest } from "./publish-request.ts";
import { findSentModel } from "./sent-model.ts";
import { describeModel, type TakenModel, takeModel } from "./take-model.ts";
import { type DraftOptions, findFile, takeSent } from "./take-sent.ts";
import { writeHashed } from "./write-model.ts";

/** A version whose files are in the folder of the publication. */
export interface DraftedVersion {
  readonly manifest: Manifest;
  /** What was found and assumed, in sentences. */
  readonly proposed: readonly string[];
}

/**
 * Makes a version of what was sent: writes its files, and fills in or proposes what the manifest leaves out.
 * @throws ApiError that says what is wrong with a file, with the manifest or with both together
 */
export async function draftVersion(
  options: DraftOptions,
  request: PublishRequest,
  draft: ManifestDraft,
): Promise<DraftedVersion> {
  const { publication, host, budget, now } = options;
  checkName(publication, draft);
  const createdAt = now();
  const parts = { publication, draft, createdAt, labels: undefined, description: undefined };
  const taken = await takeMain(options, request, draft);
  const members = await takeMembers(options, draft);
  // Before its blocks, which may fit what it wrongly says of the model.
  const problems = [...declarationsOf(draft, taken, members)];
  if (problems.length > 0) throw invalidManifest(publication.id, problems);
  const facts = { ...parts, main: taken, members, task: undefined, labels: graphLabels(taken) };
  const main = request.manifest === undefined ? await compact(options, facts) : taken;
  const proposal = await proposeTask(options, request, { ...facts, main });
  const all: ManifestParts = {
    ...facts,
    main,
    members: proposal?.members ?? members,
    task: proposal?.task,
    labels: request.labels ?? proposal?.task.labels ?? graphLabels(main),
    description: proposal?.description,
  };
  const manifest = await writeVersion(options, all, proposal);
  checkFit(manifest, budget);
  const verified = proposal ? await proposal.verify(host, manifest) : { manifest, notes: [] };
  return {
    manifest: verified.manifest,
    proposed: [...(proposal?.task.notes ?? []), ...verified.notes],
  };
}

function* declarationsOf(
  draft: ManifestDraft,
  main: TakenModel,
  members: ReadonlyMap<string, TakenModel>,
) {
  yield* declarationProblems(draft, main, "");
  for (const [name, member] of members)
    yield* declarationProblems(draft.models?.[name] ?? {}, member, `models.${name}.`);
}

function graphLabels({ adaptation }: TakenModel): readonly string[] | undefined {
  return adaptation?.labels;
}

async function takeMain(
  options: DraftOptions,
  request: PublishRequest,
  draft: ManifestDraft,
): Promise<TakenModel> {
  if (request.model) return takeModel(options, { path: "model.bin", ...request.model });
  const path = draft.file ?? request.file ?? findSentModel(options.sent);
  return takeSent(options, path, draft);
}

async function takeMembers(
  options: DraftOptions,
  draft: ManifestDraft,
): Promise<ReadonlyMap<string, TakenModel>> {
  const members = new Map<string, TakenModel>();
  for (const [name, { file }] of Object.entries(draft.models ?? {}))
    members.set(name, await takeSent(options, file, draft));
  return members;
}

/** The model with a smaller form of its forest, if it has one. */
async function compact(options: DraftOptions, parts: ManifestParts): Promise<TakenModel> {
  const { main } = parts;
  const { adaptation, model } = main;
  if (!adaptation?.forest || main.original) return main;
  const original = { file: model, changes: ["tree-ensemble"] as const };
  const others = new Map<string, TakenModel>();
  const toManifest = (taken: TakenModel): Manifest => {
    const { fields } = composeManifest({ ...parts, main: taken }, new Set());
    const { path, sha256, sizeBytes } = taken.model;
    return finishManifest(parts, { ...fields, files: [{ path, sha256, sizeBytes }] });
  };
  const compacted = await compactModel(
    {
      ...options,
      toManifest: async (other) => {
        const taken = await describeModel(options, { model: other, adaptation, original });
        others.set(other.path, taken);
        return toManifest(taken);
      },
    },
    model,
    adaptation,
    toManifest(main),
  );
  const found = compacted && others.get(compacted.model.path);
  if (!found) return main;
  await options.publication.deleteFile(model.path);
  return found;
}

/** Writes the files beside the models, and makes the manifest of all. */
async function writeVersion(
  options: DraftOptions,
  parts: ManifestParts,
  proposal: ProposedTask | undefined,
): Promise<Manifest> {
  const { publication, sent } = options;
  const { draft, main, members } = parts;
  const all = [main, ...members.values()];
  const weights = new Set(all.flatMap(({ adaptation }) => adaptation?.externalPaths ?? []));
  const { fields, otherFiles } = composeManifest(parts, weights);
  const files: ManifestFile[] = all.map(({ model: { path, sha256, sizeBytes } }) => ({
    path,
    sha256,
    sizeBytes,
  }));
  const made = new Map(proposal?.task.files.map(({ path, text }) => [path, text]) ?? []);
  for (const path of otherFiles) {
    const place = publication.place(path);
    const text = made.get(path);
    if (text !== undefined) {
      const bytes = new TextEncoder().encode(text);
      const sha256 = await writeHashed(
        publication,
        place,
        new Blob([bytes]).stream(),
        bytes.byteLength,
      );
      files.push({ path: place, sha256, sizeBytes: bytes.byteLength });
      continue;
    }
    const { upload, digests } = findFile(options, path, draft);
    const sha256 = await writeHashed(publication, place, sent.open(upload), upload.sizeBytes);
    checkDigest(publication.id, path, sha256, digests);
    files.push({ path: place, sha256, sizeBytes: upload.sizeBytes });
  }
  return finishManifest(parts, { ...fields, files });
}

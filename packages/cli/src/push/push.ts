import { resolve } from "node:path";
import type { ModelId } from "../../../../src/domain/model-id.ts";
import { CliError, usageError } from "../cli-error.ts";
import type { CommandContext } from "../context.ts";
import { parseModelArgument } from "../parse-arguments.ts";
import { nextVersion } from "./choose-version.ts";
import { hashFile } from "./hash-file.ts";
import { checkDeclaredDigest } from "./manifest-folder.ts";
import { type Published, type PublishRequest, publishVersion } from "./publish-version.ts";
import { readSource } from "./read-source.ts";
import type { PushSource } from "./source-files.ts";
import { type HashedFile, type UploadSummary, uploadFiles } from "./upload-files.ts";

export interface PushOptions extends Omit<PublishRequest, "manifest" | "file" | "signature"> {
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly variant?: string | undefined;
  /** Of the private key that signs the manifest. */
  readonly sign?: string | undefined;
}

export interface PushResult extends UploadSummary, Published {
  readonly id: ModelId;
}

/** Other writers may take a number first, but not again and again. */
const MAX_RACES = 10;
/** The number was taken, or the files of its upload are those of another writer. */
const RACES: readonly unknown[] = ["version_exists", "version_deleted"];

/** Sends a model and publishes it as the version that is asked for, or as the next one. */
export async function push(
  context: CommandContext,
  path: string,
  options: PushOptions,
): Promise<PushResult> {
  const { output } = context;
  const { name, version, variant, sign } = options;
  const { task, labels, context: tokens, alias, actor, note, force, dryRun } = options;
  const request = { task, labels, context: tokens, alias, actor, note, force, dryRun };
  const source = await readSource(resolve(path), variant);
  for (const note of source.notes) output.note(note);
  const model = modelName(name, source);
  const next = async (): Promise<string> => version ?? (await nextVersion(context, model));
  const [files, first] = await Promise.all([hashFiles(source), next()]);
  for (let races = 0; ; races++) {
    const id = { name: model, version: races === 0 ? first : await next() };
    try {
      const sent = await uploadFiles(context, id, files);
      const toPublish = { ...request, ...describe(source, id, files) };
      const published = await publish(context, id, files, toPublish, sign);
      return { id, ...sent, ...published };
    } catch (error) {
      const isRace = error instanceof CliError && RACES.includes(error.code);
      if (!isRace || version !== undefined || races >= MAX_RACES) throw error;
      output.note(`version ${id.version} was taken by another writer; trying the next one`);
    }
  }
}

/** The manifest of a folder is sent for the version that is asked for. */
function describe(
  { manifest, model }: PushSource,
  { name, version }: ModelId,
  files: readonly HashedFile[],
): Pick<PublishRequest, "manifest" | "file"> {
  if (manifest) return { manifest: { ...manifest, name, version } };
  return files.length === 1 || model === undefined ? {} : { file: model };
}

function modelName(given: string | undefined, { manifest }: PushSource): string {
  const name = given ?? manifest?.name;
  if (typeof name === "string") return parseModelArgument(name);
  throw usageError("the model has no name", "name it by --name NAME");
}

async function hashFiles({ files, manifest }: PushSource): Promise<HashedFile[]> {
  const hashed: HashedFile[] = [];
  for (const file of files) {
    const sha256 = await hashFile(file.file);
    checkDeclaredDigest(manifest, file, sha256);
    hashed.push({ ...file, sha256 });
  }
  return hashed;
}

async function publish(
  context: CommandContext,
  id: ModelId,
  files: readonly HashedFile[],
  request: PublishRequest,
  keyFile: string | undefined,
): Promise<Published> {
  const digests = files.map(({ path, sha256 }) => ({ path, sha256 }));
  const whole = { ...request, files: digests };
  if (keyFile === undefined || request.dryRun) return publishVersion(context, id, files, whole);
  // The text that is signed is the one that is stored, which the server makes.
  const { alias, actor, note, ...unsigned } = whole;
  const prepared = await publishVersion(context, id, files, { ...unsigned, dryRun: true });
  const signature = await sign(context, id, prepared, files, keyFile);
  const { manifest, proposed } = prepared;
  const { force } = request;
  const published = await publishVersion(context, id, files, {
    manifest: { ...manifest },
    signature,
    alias,
    actor,
    note,
    force,
  });
  return { ...published, proposed: [...(proposed ?? []), ...(published.proposed ?? [])] };
}

async function sign(
  { output }: CommandContext,
  id: ModelId,
  { manifestText }: Published,
  files: readonly HashedFile[],
  keyFile: string,
): Promise<object> {
  if (manifestText === undefined) throw new Error("a dry run has returned no text of a manifest");
  const { checkPrepared } = await import("../signing/check-prepared.ts");
  const { readSigningKey, signVersion } = await import("../signing/sign-version.ts");
  const sent = files.map(({ sha256 }) => sha256);
  const changed = checkPrepared(id, manifestText, sent);
  if (changed.length > 0)
    output.note(`signed as the server has changed or made them: ${changed.join(", ")}`);
  const key = await readSigningKey(keyFile, process.env.ONNXFLARE_SIGN_PASSPHRASE);
  return signVersion(manifestText, key);
}

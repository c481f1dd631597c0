import { setTimeout as pause } from "node:timers/promises";
import type { ModelId } from "../../../../src/domain/model-id.ts";
import { CliError } from "../cli-error.ts";
import type { CommandContext } from "../context.ts";
import { aliasPath } from "../routing/change-route.ts";
import { type HashedFile, versionPath } from "./upload-files.ts";

interface FileDigest {
  readonly path: string;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** The body of a publication. */
export interface PublishRequest {
  /** Of what was sent. A prepared manifest has digests of its own. */
  readonly files?: readonly FileDigest[] | undefined;
  readonly manifest?: Readonly<Record<string, unknown>> | undefined;
  readonly file?: string | undefined;
  readonly task?: string | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly context?: number | undefined;
  readonly alias?: string | undefined;
  /** Of the alias's change: who makes it, and why. */
  readonly actor?: string | undefined;
  readonly note?: string | undefined;
  readonly force?: boolean | undefined;
  readonly signature?: object | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface PublishedManifest {
  readonly name: string;
  readonly version: string;
  readonly task?: string;
  readonly file: string;
  readonly format: string;
  readonly files: readonly (FileDigest & { readonly sizeBytes: number })[];
  readonly original?: { readonly sha256: string };
  readonly createdAt?: string;
}

export interface Published {
  readonly manifest: PublishedManifest;
  /** What was read, guessed or changed, in sentences. */
  readonly proposed?: readonly string[];
  /** Of a dry run: the exact text that would be published. */
  readonly manifestText?: string;
}

/** Between a failure of the publication and the look at what became of it. */
const SETTLE_MS = 1000;

/**
 * Publishes what was sent. A publication whose response is lost may have been made: then it is looked up, because a second one would be refused, and its
 * alias is changed.
 * @param files what was sent
 * @throws CliError
 */
export async function publishVersion(
  context: CommandContext,
  id: ModelId,
  files: readonly HashedFile[],
  request: PublishRequest,
): Promise<Published> {
  const { server, settings, output, signal } = context;
  for (let attempt = 0; ; attempt++) {
    try {
      return await server.json<Published>({
        method: "POST",
        path: versionPath(id, "publish"),
        value: request,
        repeats: request.dryRun ? "safely" : "never",
      });
    } catch (error) {
      if (!(error instanceof CliError) || signal.aborted) throw error;
      const mayHaveWorked = error.reason === "unreachable" || error.reason === "serverFailed";
      if (!mayHaveWorked || attempt >= settings.retries) throw error;
      output.note(`${error.message}; looking whether the version was published`);
      await pause(SETTLE_MS, undefined, { signal });
      const manifest = await findPublished(context, id);
      if (manifest === undefined) continue;
      if (!isOf(manifest, files)) throw error;
      await pointAlias(context, id, request);
      return { manifest };
    }
  }
}

/** The publication may have ended before its alias was changed. */
async function pointAlias(
  { server }: CommandContext,
  { name, version }: ModelId,
  { alias, actor, note }: PublishRequest,
): Promise<void> {
  if (alias === undefined) return;
  await server.send({
    method: "PUT",
    path: aliasPath(name, alias),
    value: { version, actor, note },
  });
}

async function findPublished(
  { server }: CommandContext,
  id: ModelId,
): Promise<PublishedManifest | undefined> {
  try {
    return (await server.json<{ manifest: PublishedManifest }>({ path: versionPath(id) })).manifest;
  } catch (error) {
    if (error instanceof CliError && error.reason === "notFound") return undefined;
    throw error;
  }
}

/** Whether the version was made of these files. */
export function isOf(manifest: PublishedManifest, files: readonly HashedFile[]): boolean {
  const sent = new Set(files.map(({ sha256 }) => sha256));
  const main = manifest.files.find(({ path }) => path === manifest.file);
  return sent.has(manifest.original?.sha256 ?? main?.sha256 ?? "");
}

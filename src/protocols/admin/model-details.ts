import type * as z from "zod";
import { ApiError, toApiError } from "../../domain/errors.ts";
import type { Routing } from "../../domain/routing.ts";
import type { KnownModel } from "../../registry/catalog.ts";
import type { Services } from "../services.ts";
import { type modelDetailsSchema, toRoutingState } from "./routing-response.ts";

/** Bounds the storage calls of one request. */
const MAX_DETAILED = 200;

type ModelDetails = z.output<typeof modelDetailsSchema>;
type VersionDetails = ModelDetails["versions"][number];

/** What administrators see of a model. */
export async function describeModel(
  { catalog, routing }: Pick<Services, "catalog" | "routing">,
  name: string,
): Promise<ModelDetails> {
  const current = await readModelRouting({ catalog, routing }, name);
  const known = await findModel({ catalog }, name);
  const details: VersionDetails[] = [];
  for (const [index, { version, revision, publishedAt }] of (known?.entries ?? []).entries()) {
    const listed = { version, revision, publishedAt: new Date(publishedAt).toISOString() };
    const found =
      known && index < MAX_DETAILED ? await describeVersion(catalog, known, version) : {};
    details.push({ ...listed, ...found });
  }
  return { name, versions: details, routing: toRoutingState(name, current) };
}

/**
 * The routing of a model, which has versions, or had some.
 * @throws ApiError `model_not_found`, `routing_corrupt`, `storage_failed`
 */
export async function readModelRouting(
  { catalog, routing }: Pick<Services, "catalog" | "routing">,
  name: string,
  at?: number,
): Promise<Routing> {
  const current = await routing.read(name, at);
  if (current.revision === 0 && at === undefined) await catalog.find(name, 0);
  return current;
}

/** @returns `undefined` for a model whose versions were all deleted */
async function findModel(
  { catalog }: Pick<Services, "catalog">,
  name: string,
): Promise<KnownModel | undefined> {
  try {
    return await catalog.find(name, 0);
  } catch (error) {
    if (error instanceof ApiError && error.code === "model_not_found") return undefined;
    throw error;
  }
}

async function describeVersion(
  catalog: Services["catalog"],
  known: KnownModel,
  version: string,
): Promise<Partial<VersionDetails>> {
  try {
    const { manifest } = await catalog.version(known, version);
    const { file, files, format, task, description } = manifest;
    const main = files.find(({ path }) => path === file);
    return {
      sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      format,
      ...(main && { sha256: main.sha256 }),
      ...(task && { task }),
      ...(description && { description }),
    };
  } catch (error) {
    return { problem: toApiError(error).message };
  }
}

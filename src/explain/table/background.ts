import { ApiError } from "../../domain/errors.ts";
import { DEFAULT_BACKGROUND_ROWS } from "../../domain/explanation/explanation-parameters.ts";
import { formatModelId } from "../../domain/model-id.ts";
import { createSeededRandom } from "../../shared/random.ts";
import type { ExplanationRequest } from "../method.ts";
import type { Table, TableReader } from "./table-reader.ts";

export interface Background extends Table {
  /** Whether they are some of more, so that the seed decides. */
  readonly isDrawn: boolean;
}

/** What of a request says which rows stand for values that are not known. */
export type BackgroundRequest = Pick<
  ExplanationRequest,
  "version" | "background" | "backgroundRows" | "seed"
>;

interface ReadRows {
  readonly key: readonly unknown[];
  readonly background: Promise<Background>;
}

/** A list of inputs has one background, which is read once. */
const READ = new WeakMap<ExplanationRequest["version"], ReadRows[]>();

/**
 * The background rows of a request: its own, or those that are kept with the version; of more than `backgroundRows` so many,
 * drawn by the seed, in their order.
 * @throws ApiError `background_missing` where there are none; of the preprocessor for a row that is not valid
 */
export function readBackground(
  reader: Pick<TableReader, "read">,
  request: BackgroundRequest,
): Promise<Background> {
  const { version, background, backgroundRows, seed } = request;
  const key = [background, backgroundRows, seed];
  const known = READ.get(version) ?? [];
  const read = known.find((each) => each.key.every((part, index) => part === key[index]));
  if (read) return read.background;
  const made = readRows(reader, request);
  READ.set(version, [...known, { key, background: made }]);
  return made;
}

async function readRows(
  reader: Pick<TableReader, "read">,
  { version, background, backgroundRows = DEFAULT_BACKGROUND_ROWS, seed }: BackgroundRequest,
): Promise<Background> {
  const rows = background ?? (await version.background());
  if (!rows || rows.length === 0) throw backgroundMissing(version);
  const drawn = drawRows(rows, backgroundRows, seed);
  try {
    return { ...(await reader.read(drawn)), isDrawn: drawn.length < rows.length };
  } catch (error) {
    if (!(error instanceof ApiError) || error.kind.status !== 400) throw error;
    const whose = background ? "of parameters.background" : "that are kept with the version";
    const message = error.message.replace(/\binputs(?=\[)/g, "background");
    throw new ApiError(error.code, `The background rows ${whose}: ${message}`, {
      ...(error.details && { details: error.details }),
    });
  }
}

/**
 * For what needs no rows beside those that are explained.
 * @param name of the method, or of what it explains
 * @throws ApiError `invalid_request` for a request that has some
 */
export function refuseBackground(
  name: string,
  { background, backgroundRows }: Pick<BackgroundRequest, "background" | "backgroundRows">,
): void {
  const given = { background, background_rows: backgroundRows };
  const [field] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (field === undefined) return;
  throw new ApiError(
    "invalid_request",
    `"parameters.${field}" has no effect: ${name}. Leave it out.`,
    { details: { field: `parameters.${field}` } },
  );
}

/** So many of the rows, each with the same chance, in their order. */
export function drawRows<T>(rows: readonly T[], count: number, seed: number): readonly T[] {
  if (rows.length <= count) return rows;
  const random = createSeededRandom(seed);
  const indices = rows.map((_, index) => index);
  // The first steps of a Fisher-Yates shuffle.
  for (let at = 0; at < count; at++) {
    const other = at + Math.floor(random() * (indices.length - at));
    [indices[at], indices[other]] = [indices[other] as number, indices[at] as number];
  }
  const chosen = indices.slice(0, count).sort((a, b) => a - b);
  return chosen.map((index) => rows[index] as T);
}

function backgroundMissing({ model }: BackgroundRequest["version"]): ApiError {
  return new ApiError(
    "background_missing",
    `${formatModelId(model)} has no background rows, which stand for the values of columns that are not known. Keep some with the version (PUT /admin/models/${model.name}/versions/${model.version}/background, or npx onnxflare background ${model.name}@${model.version} set FILE), or send them as parameters.background: a list of about 100 inputs that are typical of what the model sees.`,
  );
}

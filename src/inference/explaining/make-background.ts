import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import { type Background, MAX_BACKGROUND_ROWS } from "../../domain/explanation/background.ts";
import { modelDigest } from "../../domain/manifest.ts";
import { formatModelId } from "../../domain/model-id.ts";
import type { PublishedModel } from "../../domain/published-model.ts";
import type { TaskRequest } from "../../domain/task.ts";
import type { Tensor } from "../../domain/tensor.ts";
import type { VersionBlocks } from "../../explain/explained-version.ts";
import { isTable } from "../../explain/table/table-reader.ts";
import { createArrayPreprocessor } from "../../tasks/numeric/array-preprocessor.ts";
import { parseParameters } from "../../tasks/parameters.ts";
import type { AnyPreprocessor, Item, PreprocessContext } from "../../tasks/preprocessor.ts";
import { splitInputs } from "../../tasks/split-inputs.ts";
import { toBackgroundRow } from "./background-row.ts";

/** Makes background rows of inputs, which are checked as those of a prediction are. */
export interface BackgroundMaker {
  /**
   * @param request the rows, as the task API takes them: an input, a list of inputs, or a table
   * @throws ApiError `invalid_request` for too many; what the preprocessor throws for an input that the task does not take, with the name of the row;
   *   `task_not_supported` for a version whose inputs cannot be rows; `deadline_exceeded`
   */
  make(
    model: PublishedModel,
    request: Pick<TaskRequest, "inputs" | "parameters">,
    call: Call,
  ): Promise<Background>;
}

export interface BackgroundMakerOptions {
  readonly blocks: (model: PublishedModel, call: Call) => Promise<VersionBlocks | undefined>;
  readonly now?: () => number;
}

export function createBackgroundMaker({
  blocks,
  now = Date.now,
}: BackgroundMakerOptions): BackgroundMaker {
  async function preprocessorOf(model: PublishedModel, call: Call): Promise<AnyPreprocessor> {
    const { manifest } = model;
    if (manifest.preprocess && manifest.postprocess) {
      const created = await blocks(model, call);
      if (created) return created.preprocessor;
    }
    const [input] = manifest.inputs.filter(({ optional }) => optional !== true);
    if (input && !manifest.preprocess && isTable(manifest)) return createArrayPreprocessor(input);
    throw noRows(model);
  }

  return {
    async make(model, { inputs, parameters: given }, call) {
      const { manifest, name, version } = model;
      const { trace, limits } = call;
      const preprocessor = await preprocessorOf(model, call);
      const parameters = parseParameters(preprocessor.parameters, given);
      const checkpoint = () => call.checkpoint();
      const options = { trace, checkpoint, limits };
      const { items, form } = await splitInputs(preprocessor, inputs, parameters, options);
      if (form === "comparison" || form === "ranking") throw noRows(model);
      if (items.length > MAX_BACKGROUND_ROWS) throw tooMany(items.length);
      const read = { preprocessor, context: { parameters, trace, checkpoint } };
      const rows: unknown[] = [];
      let width: string | undefined;
      for (const item of items) {
        await call.checkpoint();
        const tensors = await toTensors(read, item);
        const actual = String(tensors[0]?.shape.slice(1));
        width ??= actual;
        if (isTable(manifest) && actual !== width) throw otherWidth(item, actual, width);
        rows.push(toBackgroundRow(item, manifest, tensors));
      }
      return {
        schemaVersion: 1,
        model: name,
        version,
        modelSha256: modelDigest(manifest),
        createdAt: new Date(now()).toISOString(),
        inputs: rows,
      };
    },
  };
}

/** Of one row, so that an error is about this one. */
async function toTensors(
  {
    preprocessor,
    context,
  }: { readonly preprocessor: AnyPreprocessor; readonly context: PreprocessContext },
  item: Item,
): Promise<readonly Tensor[]> {
  try {
    const items = preprocessor.plan ? (await preprocessor.plan([item], context)).items : [item];
    return (await preprocessor.toTensors(items, context)).tensors;
  } catch (error) {
    const isNamed = !(error instanceof ApiError) || error.message.includes(item.path);
    if (isNamed || error.kind.status !== 400) throw error;
    const { code, message, details, cause } = error;
    throw new ApiError(code, `${item.path}: ${message}`, { ...(details && { details }), cause });
  }
}

function noRows({ manifest }: PublishedModel): ApiError {
  const what = manifest.task ? `has the task ${manifest.task}` : "has no task";
  return new ApiError(
    "task_not_supported",
    `${formatModelId(manifest)} ${what}: background rows are single inputs that its blocks read, or of a model without a task rows of numbers [batch, n].`,
  );
}

function tooMany(rows: number): ApiError {
  return new ApiError(
    "invalid_request",
    `"inputs" has ${rows} rows: at most ${MAX_BACKGROUND_ROWS} are kept as background, and about 100 are enough.`,
    { details: { field: "inputs", limit: MAX_BACKGROUND_ROWS, actual: rows } },
  );
}

function otherWidth({ path }: Item, actual: string, expected: string): ApiError {
  return new ApiError(
    "invalid_shape",
    `${path} has the shape [${actual}], but the rows before it have [${expected}].`,
    { details: { expected, actual } },
  );
}

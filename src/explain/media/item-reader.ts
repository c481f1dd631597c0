import type { Tensor } from "../../domain/tensor.ts";
import type { Item, ItemMetadata, PreprocessedBatch } from "../../tasks/preprocessor.ts";
import type { ExplainedVersion, VersionBlocks } from "../explained-version.ts";

/** An item as the model reads it. */
export interface ReadItem {
  readonly tensors: readonly Tensor[];
  readonly metadata: ItemMetadata | undefined;
}

/** Reads items of a version one by one: a run of several would make other numbers of models that quantize by run. */
export interface ItemReader {
  /** @throws ApiError of the preprocessor */
  read(value: unknown, path?: string): Promise<ReadItem>;
}

export function createItemReader(
  { call }: ExplainedVersion,
  { preprocessor }: VersionBlocks,
): ItemReader {
  const context = {
    parameters: preprocessor.parameters.parse({}),
    trace: call.trace,
    checkpoint: () => call.checkpoint(),
  };
  return {
    async read(value, path = "inputs") {
      let items: readonly Item[] = [{ value, path }];
      if (preprocessor.plan) items = (await preprocessor.plan(items, context)).items;
      const made: PreprocessedBatch | Promise<PreprocessedBatch> = preprocessor.toTensors(
        items,
        context,
      );
      const { tensors, metadata } = made instanceof Promise ? await made : made;
      return { tensors, metadata: metadata?.[0] };
    },
  };
}

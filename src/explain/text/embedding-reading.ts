import { clip } from "../../shared/quote.ts";
import { splitInputs } from "../../tasks/split-inputs.ts";
import { cosine } from "../../tasks/text/embedding-postprocessor.ts";
import type { ExplainedVersion, VersionBlocks } from "../explained-version.ts";
import { onlySpace } from "../media/choose-space.ts";
import type { ItemReader, ReadItem } from "../media/item-reader.ts";
import type { Reading } from "../media/reading.ts";
import type { ExplanationRequest } from "../method.ts";

/** A text with what it is compared with. */
export interface OpenedEmbedding {
  readonly whole: ReadItem;
  readonly reading: Reading;
  /** Rows that the model was run for, beside that of the whole text. */
  readonly runs: number;
}

/** The name of the only output of a text that is compared with nothing but itself. */
const ITSELF = "cosine to the whole text";

/**
 * Why texts are near: the cosine of a comparison by the parts of its first sentence. A text alone is compared with itself, which says
 * what its vector is made of.
 */
export async function openEmbedding(
  { version, inputs, space }: Pick<ExplanationRequest, "version" | "inputs" | "space">,
  blocks: VersionBlocks,
  reader: ItemReader,
): Promise<OpenedEmbedding> {
  const { preprocessor } = blocks;
  const { items } = await splitInputs(preprocessor, inputs, preprocessor.parameters.parse({}), {
    trace: version.call.trace,
    checkpoint: () => version.call.checkpoint(),
    limits: version.call.limits,
  });
  const [source, ...others] = items;
  if (!source) throw new Error("there is no text");
  const only = onlySpace("output", "compares vectors", { space, version });
  const whole = await reader.read(source.value, source.path);
  const embed = createEmbed(version, blocks);
  const own = await embed(whole);
  const vectors: (readonly number[])[] = [];
  for (const { value, path } of others) vectors.push(await embed(await reader.read(value, path)));
  const targets = vectors.length > 0 ? vectors : [own];
  const compare = (vector: readonly number[]): Float64Array =>
    Float64Array.from(targets, (target) => cosine(vector, target));
  const full = compare(own);
  const reading: Reading = {
    space: only,
    names: others.length > 0 ? others.map(({ value }) => clip(String(value))) : [ITSELF],
    predicted: full.indexOf(Math.max(...full)),
    full,
    value: async (item) => compare(await embed(item)),
  };
  return { whole, reading, runs: vectors.length };
}

/** The vector of a text. */
type Embed = (item: ReadItem) => Promise<readonly number[]>;

function createEmbed(version: ExplainedVersion, { postprocessor }: VersionBlocks): Embed {
  return async ({ tensors, metadata }) => {
    const results = await version.infer(tensors, postprocessor.outputs, 1);
    const checkpoint = () => version.call.checkpoint();
    const made = postprocessor.toPredictions(
      results,
      metadata ? [metadata] : [],
      { normalize: true },
      checkpoint,
    );
    const [vector] = made instanceof Promise ? await made : made;
    return vector as readonly number[];
  };
}

import * as z from "zod";
import type { PostprocessDefinition } from "../block-definition.ts";
import { NO_PARAMETERS, blockVersion as version } from "../block-fields.ts";
import { findSpec, fixedSize, labelProblems, NUMERIC, tensorProblems } from "../tensor-checks.ts";

const schema = z.strictObject({
  type: z.literal("clustering"),
  version,
  distances: z.string().describe("The model's output, of shape [batch, clusters]."),
});

export type ClusteringBlock = z.output<typeof schema>;

const cluster = z.strictObject({ label: z.string(), distance: z.number() });

/** Clusters with the distance to their centres; without labels they are numbered from 0. */
export const clusteringBlock = {
  type: "clustering",
  schema,
  parameters: NO_PARAMETERS,
  prediction: z
    .array(cluster)
    .describe("Clustering: clusters with the distance to their centres, nearest first."),
  named: { ClusterDistance: cluster },
  references: ({ distances }) => ({ outputs: [distances] }),
  *problems(block, manifest) {
    const spec = findSpec(manifest.outputs, block.distances);
    if (!spec) return;
    const shapes = [["batch", "clusters"]];
    yield* tensorProblems(["postprocess", "distances"], spec, { datatypes: NUMERIC, shapes });
    if (manifest.labels?.length && spec.shape.length === 2)
      yield* labelProblems(manifest, fixedSize(spec.shape[1]), spec.name);
  },
} satisfies PostprocessDefinition<typeof schema>;
